package org.minpro.verify;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The committed table of hand-checked pairs. */
final class VerdictTable {
    /** One pair with its verdict. */
    record Row(int line, String category, Verdict.Kind verdict, String gold, String answer, boolean gaming) {
        @Override
        public String toString() {
            return "verdicts.tsv:" + line + " " + gold + " | " + answer;
        }
    }

    private VerdictTable() {}

    static List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        try (InputStream stream = VerdictTable.class.getResourceAsStream("verdicts.tsv")) {
            if (stream == null) {
                throw new IllegalStateException("verdicts.tsv must be among the test resources");
            }
            int number = 0;
            for (String line : new String(stream.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                number++;
                if (line.isBlank() || line.startsWith("#")) {
                    continue;
                }
                String[] fields = line.split("\t", -1);
                rows.add(new Row(
                        number,
                        fields[0],
                        Verdict.Kind.valueOf(fields[1].toUpperCase(Locale.ROOT)),
                        fields[2].replace('\u2424', '\n'),
                        fields[3].replace('\u2424', '\n'),
                        fields.length > 4 && fields[4].equals("gaming")));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return rows;
    }
}
