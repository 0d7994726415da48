package org.minpro.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.dist.RankLostException;
import org.minpro.dist.RanksInThreads;

class RankAgreementTest {
    @TempDir
    private Path temporary;

    private List<String> refusals(Map<String, String> first, Map<String, String> second) throws Exception {
        return RanksInThreads.run(temporary.resolve("meeting"), 2, Duration.ofSeconds(20), ranks -> {
            try {
                RankAgreement.require(ranks.learning(), ranks.isFirst() ? first : second);
                return "";
            } catch (RankLostException e) {
                return String.valueOf(e.getMessage());
            }
        });
    }

    @Test
    void allRanksSayWhichOneDiffersAndInWhat() throws Exception {
        List<String> said = refusals(
                Map.of("software", "minpro 1", "recipe", "seed: 1\niterations: 20"),
                Map.of("software", "minpro 1", "recipe", "seed: 1\niterations: 30"));
        assertThat(said.getFirst())
                .matches(
                        "rank 1 on \\S+ must have the recipe of rank 0 on \\S+, 'iterations: 20', got: 'iterations: 30'");
        assertThat(said.getLast()).isEqualTo(said.getFirst());
    }

    @Test
    void whatOneRankDoesNotKnowIsNotCompared() throws Exception {
        assertThat(refusals(Map.of("software", "minpro 1", "recipe", "seed: 1"), Map.of("software", "minpro 1")))
                .containsOnly("");
    }
}
