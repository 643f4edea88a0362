package io.stockledger.server.projection;

/** A place in the order of stock rows: by SKU, then location. */
public record StockPlace(String sku, String location) {}
