package org.minpro.verify;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Checks stored completions again and groups what a person should look at: disagreements with the stored verdict and
 * undecided ones, each by reason. Not safe for several threads.
 */
public final class VerdictAudit {
    /**
     * One completion that was checked again.
     *
     * @param id names it for the person who looks at it
     * @param completion the stored completion
     * @param storedRight what was stored
     * @param verdict what this check says
     */
    public record Case(String id, String completion, boolean storedRight, Verdict verdict) {
        /** Whether the check decides otherwise than what was stored. */
        public boolean disagrees() {
            return verdict.isDecided() && verdict.isRight() != storedRight;
        }
    }

    private final Verifier verifier;
    private final SortedMap<String, List<Case>> groups = new TreeMap<>();
    private int checked;

    public VerdictAudit(Verifier verifier) {
        this.verifier = verifier;
    }

    /** Checks one stored completion; keeps it if it is undecided or disagrees. */
    public Case check(String id, String gold, String completion, boolean storedRight) {
        Case found = new Case(id, completion, storedRight, verifier.verify(gold, completion));
        checked++;
        if (found.disagrees() || !found.verdict().isDecided()) {
            groups.computeIfAbsent(group(found), key -> new ArrayList<>()).add(found);
        }
        return found;
    }

    private static String group(Case found) {
        String reason = found.verdict().reason().sentence();
        if (!found.verdict().isDecided()) {
            return "undecided: " + reason;
        }
        return (found.storedRight() ? "stored right, found wrong: " : "stored wrong, found right: ") + reason;
    }

    /** Completions checked so far. */
    public int checked() {
        return checked;
    }

    /** The kept cases by what they have in common, sorted. */
    public SortedMap<String, List<Case>> groups() {
        return Collections.unmodifiableSortedMap(groups);
    }
}
