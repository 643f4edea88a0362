package io.stockledger.server.api;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * Where the next page of a listing begins: after this name (or SKU), and within a SKU after this sequence. Its token
 * names the listing that it is of: one of another request is refused.
 */
record PageAfter(String name, long sequence) {
    private static final PageAfter FIRST = new PageAfter("", 0);
    /** In no name: those hold no control characters. */
    private static final String BETWEEN = "\n";

    String write(String listing) {
        String text = String.join(BETWEEN, listing, name, Long.toString(sequence));
        return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** An empty token is the first page's. */
    static PageAfter read(String token, String listing) throws InvalidRequest {
        if (token.isEmpty()) {
            return FIRST;
        }
        try {
            String[] parts = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8).split(BETWEEN, 3);
            if (parts.length == 3 && parts[0].equals(listing) && parts[1].indexOf('\0') < 0) {
                return new PageAfter(parts[1], Long.parseLong(parts[2]));
            }
        } catch (IllegalArgumentException notOurs) {
            // Told below.
        }
        throw InvalidRequest.field("page_token", "is not one that this request was given");
    }
}
