package org.minpro.rollout;

import java.util.List;
import java.util.function.Function;

/** Where a turn of the policy ends: with a stop id, or with the token that completes a stop text. */
public final class TurnEnd {
    private final List<Integer> stopIds;
    private final StopTexts stops;

    /** @param text decodes ids without special tokens */
    public TurnEnd(SamplingParams params, Function<int[], String> text) {
        stopIds = params.stopIds();
        stops = new StopTexts(params.stop(), text);
    }

    /** Whether a turn ends with the last of the first {@code length} ids. */
    public boolean isAt(int[] ids, int length) {
        return stopIds.contains(ids[length - 1]) || stops.completedBy(ids, length);
    }

    /** What the ids say, up to the stop text that the last of them completes. */
    public String textOf(int[] ids) {
        return stops.before(ids);
    }
}
