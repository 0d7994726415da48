package org.minpro.app;

import java.util.function.Consumer;
import org.minpro.experience.RewardFailure;

/** Shows a person the first failure of a reward: its trace and the response. */
final class ShownRewardFailure {
    private static final int LONGEST_RESPONSE = 1000;
    private static final int MOST_LINES = 40;

    private final Consumer<String> say;
    private boolean shown;

    ShownRewardFailure(Consumer<String> say) {
        this.say = say;
    }

    /** Shows it if it is the first. */
    synchronized void show(RewardFailure failure) {
        if (shown) {
            return;
        }
        shown = true;
        String[] lines = failure.trace().split("\n");
        boolean cut = false;
        for (int i = 0; i < lines.length; i++) {
            boolean isCause = lines[i].startsWith("Caused by") || (i > 0 && lines[i - 1].startsWith("Caused by"));
            if (i < MOST_LINES || isCause) {
                say.accept("  " + lines[i].stripTrailing());
                cut = false;
            } else if (!cut) {
                say.accept("  …");
                cut = true;
            }
        }
        String text = failure.rollout().text();
        say.accept("  the response: "
                + (text.length() <= LONGEST_RESPONSE ? text : text.substring(0, LONGEST_RESPONSE) + "…"));
    }
}
