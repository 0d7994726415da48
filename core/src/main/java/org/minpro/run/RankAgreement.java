package org.minpro.run;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.minpro.dist.Collectives;
import org.minpro.dist.RankLostException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** That all ranks do the same work: what must be alike on them, compared before anything is computed. */
final class RankAgreement {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private RankAgreement() {}

    /**
     * Compares this rank's facts with those of the first; all ranks call it together, and all refuse alike.
     *
     * @param facts by what they are; of a value of several lines the first one that differs is named
     * @throws RankLostException naming the first rank that differs, and in what
     */
    static void require(Collectives ranks, Map<String, String> facts) {
        byte[][] all = ranks.gather(
                "what must be alike on all ranks",
                JSON.writeValueAsString(facts).getBytes(StandardCharsets.UTF_8));
        SequencedMap<String, String> first = facts(all[0]);
        for (int rank = 1; rank < all.length; rank++) {
            SequencedMap<String, String> its = facts(all[rank]);
            for (Map.Entry<String, String> fact : its.entrySet()) {
                String wanted = first.get(fact.getKey());
                if (wanted != null && !wanted.equals(fact.getValue())) {
                    throw new RankLostException(ranks.named(rank) + " must have the " + fact.getKey() + " of "
                            + ranks.named(0) + ", " + difference(wanted, fact.getValue()));
                }
            }
        }
    }

    /** What of two values differs: the first line that does. */
    private static String difference(String wanted, String given) {
        List<String> one = wanted.lines().toList();
        List<String> other = given.lines().toList();
        int at = 0;
        while (at < one.size() && at < other.size() && one.get(at).equals(other.get(at))) {
            at++;
        }
        return "'" + line(one, at) + "', got: '" + line(other, at) + "'";
    }

    private static String line(List<String> lines, int at) {
        return at < lines.size() ? lines.get(at).strip() : "";
    }

    private static SequencedMap<String, String> facts(byte[] json) {
        SequencedMap<String, String> facts = new LinkedHashMap<>();
        JsonNode node = JSON.readTree(json);
        node.forEachEntry((name, value) -> facts.put(name, Objects.requireNonNull(value.stringValue())));
        return facts;
    }
}
