package io.stockledger.server.api;

import io.stockledger.server.feed.Selection;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.SubscribeRequest;
import java.text.Normalizer;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Reads the filters of the contract, and writes them in one form, so that equal ones are equal bytes. */
final class Filters {
    private static final int SKU_LENGTH_MAX = 128;
    private static final int NAME_LENGTH_MAX = 64;
    private static final int SHARE_COUNT_MAX = 1024;

    private final int valuesMax;

    Filters(int valuesMax) {
        this.valuesMax = valuesMax;
    }

    /** What a request without a name asks for. */
    Selection selection(SubscribeRequest request) {
        int shareIndex = 0;
        int shareCount = 1;
        if (request.hasShare()) {
            shareIndex = request.getShare().getIndex();
            shareCount = request.getShare().getCount();
            if (shareCount < 1 || shareCount > SHARE_COUNT_MAX) {
                throw Errors.exception(Errors.field("share.count", "must be 1 to " + SHARE_COUNT_MAX));
            }
            if (shareIndex < 0 || shareIndex >= shareCount) {
                throw Errors.exception(Errors.field("share.index", "must be 0 to count - 1"));
            }
        }
        return selection(request.getFilter(), shareIndex, shareCount);
    }

    /** All SKUs of a filter that was accepted once, however many values may be asked for now. */
    static Selection stored(FeedFilter filter) {
        return selected(filter, 0, 1);
    }

    /** A selection's filter: each list sorted, each value once. */
    static FeedFilter filter(Selection selection) {
        FeedFilter.Builder filter = FeedFilter.newBuilder().addAllSkus(selection.skus()).setSkuPrefix(selection.skuPrefix())
                .addAllLocations(new TreeSet<>(selection.locations())).addAllChannels(new TreeSet<>(selection.channels()));
        new TreeSet<>(selection.kinds()).forEach(filter::addKindsValue);
        return filter.build();
    }

    private Selection selection(FeedFilter filter, int shareIndex, int shareCount) {
        long values = (long) filter.getSkusCount() + filter.getLocationsCount() + filter.getChannelsCount() + filter.getKindsCount();
        if (values > valuesMax) {
            throw Errors.exception(Errors.field("filter", "holds " + values + " values, at most " + valuesMax
                    + " are allowed: use a prefix or a share, or leave it out and drop what is not wanted"));
        }
        return selected(filter, shareIndex, shareCount);
    }

    private static Selection selected(FeedFilter filter, int shareIndex, int shareCount) {
        TreeSet<String> skus = new TreeSet<>(texts("filter.skus", filter.getSkusList(), SKU_LENGTH_MAX, false));
        String prefix = text("filter.sku_prefix", filter.getSkuPrefix(), SKU_LENGTH_MAX, true);
        Set<Integer> kinds = new LinkedHashSet<>();
        for (int i = 0; i < filter.getKindsCount(); i++) {
            EntryKind kind = filter.getKinds(i);
            if (kind == EntryKind.UNRECOGNIZED || kind == EntryKind.ENTRY_KIND_UNSPECIFIED) {
                throw Errors.exception(Errors.field("filter.kinds[" + i + "]", "not a kind that this ledger writes"));
            }
            kinds.add(kind.getNumber());
        }
        return new Selection(Collections.unmodifiableSortedSet(skus), prefix, shareIndex, shareCount,
                texts("filter.locations", filter.getLocationsList(), NAME_LENGTH_MAX, false),
                texts("filter.channels", filter.getChannelsList(), NAME_LENGTH_MAX, true), Set.copyOf(kinds));
    }

    private static Set<String> texts(String field, List<String> texts, int lengthMax, boolean mayBeEmpty) {
        Set<String> checked = new LinkedHashSet<>();
        for (int i = 0; i < texts.size(); i++) {
            checked.add(text(field + "[" + i + "]", texts.get(i), lengthMax, mayBeEmpty));
        }
        return Set.copyOf(checked);
    }

    private static String text(String field, String text, int lengthMax, boolean mayBeEmpty) {
        String normal = Normalizer.normalize(text, Normalizer.Form.NFC);
        if (normal.isEmpty() && !mayBeEmpty) {
            throw Errors.exception(Errors.field(field, "must not be empty"));
        }
        if (normal.codePointCount(0, normal.length()) > lengthMax) {
            throw Errors.exception(Errors.field(field, "must have at most " + lengthMax + " characters"));
        }
        if (normal.codePoints().anyMatch(Character::isISOControl)) {
            throw Errors.exception(Errors.field(field, "must hold no control characters"));
        }
        return normal;
    }
}
