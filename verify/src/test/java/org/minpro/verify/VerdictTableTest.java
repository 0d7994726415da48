package org.minpro.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class VerdictTableTest {
    private static final Verifier VERIFIER = new Verifier();

    static List<VerdictTable.Row> rows() {
        return VerdictTable.rows();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    void givesTheVerdictOfThePerson(VerdictTable.Row row) {
        Verdict verdict = VERIFIER.verify(row.gold(), row.answer());
        assertThat(verdict.kind()).as("%s: %s", row, verdict).isEqualTo(row.verdict());
    }

    @Test
    void tableIsHalfNegativeAndAQuarterOfThatIsGaming() {
        List<VerdictTable.Row> rows = rows();
        Map<String, int[]> categories = new TreeMap<>();
        int negative = 0;
        int gaming = 0;
        for (VerdictTable.Row row : rows) {
            int[] counts = categories.computeIfAbsent(row.category(), key -> new int[2]);
            boolean right = row.verdict() == Verdict.Kind.RIGHT;
            counts[right ? 0 : 1]++;
            negative += right ? 0 : 1;
            gaming += row.gaming() ? 1 : 0;
            assertThat(row.gaming() && right).as(row.toString()).isFalse();
        }
        assertThat(rows).hasSizeGreaterThanOrEqualTo(600);
        assertThat(negative).isBetween(rows.size() * 45 / 100, rows.size() * 55 / 100);
        assertThat(gaming).isGreaterThanOrEqualTo(negative / 4);
        categories.forEach((category, counts) -> assertThat(counts).as(category).doesNotContain(0));
    }

    @Test
    void everyReferenceOfTheTableEqualsItselfWithoutTheShortcutOfEqualTexts() {
        Verifier strict = new Verifier(AnswerExtractor.AUTOMATIC, Limits.STANDARD, false);
        for (VerdictTable.Row row : rows()) {
            if (row.category().equals("completion")) {
                continue;
            }
            assertThat(strict.compare(row.gold(), row.gold()).kind())
                    .as(row.toString())
                    .isEqualTo(Verdict.Kind.RIGHT);
        }
    }

    @Test
    void aChangedDigitIsNeverRight() {
        int changes = 0;
        for (VerdictTable.Row row : rows()) {
            String gold = row.gold();
            if (row.category().equals("completion") || row.category().equals("ratio") || gold.contains("approx")) {
                continue;
            }
            for (int i = 0; i < gold.length(); i++) {
                char c = gold.charAt(i);
                if (c < '0' || c > '9') {
                    continue;
                }
                String changed = gold.substring(0, i) + (char) ('0' + (c - '0' + 3) % 10) + gold.substring(i + 1);
                Verdict verdict = VERIFIER.compare(gold, changed);
                changes++;
                assertThat(verdict.kind())
                        .as("%s | %s: %s", gold, changed, verdict)
                        .isNotEqualTo(Verdict.Kind.RIGHT);
            }
        }
        assertThat(changes).isGreaterThan(1000);
    }
}
