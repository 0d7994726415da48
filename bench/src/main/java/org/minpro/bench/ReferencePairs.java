package org.minpro.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.minpro.verify.AnswerExtractor;
import org.minpro.verify.Limits;
import org.minpro.verify.Verdict;
import org.minpro.verify.Verifier;

/**
 * Pairs of different references of one set, which are mostly different answers: every one that is right is printed, to be
 * read by a person.
 *
 * <p>{@code ReferencePairs FOLDER PAIRS SEED}: FOLDER as for {@link References}. The reference is drawn from all sets, the
 * answer from the rest of its set. Equal texts are compared like any others.
 */
public final class ReferencePairs {
    private record Drawn(String set, String gold) {}

    private ReferencePairs() {}

    public static void main(String[] args) {
        if (args.length != 3) {
            System.err.println("usage: ReferencePairs FOLDER PAIRS SEED");
            System.exit(2);
        }
        int pairs = Integer.parseInt(args[1]);
        Map<String, List<String>> sets = References.read(Path.of(args[0]));
        List<Drawn> all = new ArrayList<>();
        sets.forEach((set, references) -> references.forEach(gold -> all.add(new Drawn(set, gold))));
        Verifier verifier = new Verifier(AnswerExtractor.AUTOMATIC, Limits.STANDARD, false);
        SplittableRandom random = new SplittableRandom(Long.parseLong(args[2]));
        Map<String, Integer> kinds = new TreeMap<>();
        TreeSet<String> right = new TreeSet<>();
        int rightPairs = 0;
        for (int pair = 0; pair < pairs; pair++) {
            Drawn drawn = all.get(random.nextInt(all.size()));
            List<String> set = sets.getOrDefault(drawn.set(), List.of());
            String answer;
            do {
                answer = set.get(random.nextInt(set.size()));
            } while (answer.equals(drawn.gold()));
            Verdict verdict = verifier.compare(drawn.gold(), answer);
            kinds.merge(verdict.kind() + " " + verdict.reason(), 1, Integer::sum);
            if (verdict.isRight()) {
                rightPairs++;
                right.add(drawn.set() + "\t" + verdict.reason() + "\t" + drawn.gold() + "\t" + answer);
            }
        }
        right.forEach(System.out::println);
        System.out.println(
                pairs + " pairs: " + kinds + "; " + rightPairs + " right, " + right.size() + " of them distinct");
    }
}
