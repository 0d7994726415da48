package org.minpro.report;

import java.util.List;
import org.minpro.chart.LineChart;

/** A part of a report. */
public sealed interface Block {
    /** A heading; what follows is of it until the next. */
    record Heading(String text) implements Block {}

    /** A paragraph. */
    record Text(String text) implements Block {}

    /** Lines to be copied into a shell, or read as they are. */
    record Code(String text) implements Block {}

    /**
     * A table.
     *
     * @param title what it shows
     * @param header names of the columns
     * @param rows cells by column; the first column names the row
     */
    record Table(String title, List<String> header, List<List<String>> rows) implements Block {
        public Table {
            header = List.copyOf(header);
            rows = List.copyOf(rows);
        }
    }

    /** Charts that belong together; a text has none of them. */
    record Charts(List<LineChart> charts) implements Block {
        public Charts {
            charts = List.copyOf(charts);
        }
    }

    /**
     * A response with a number at each token.
     *
     * @param title which one
     * @param tokens in their order
     */
    record Tokens(String title, List<Token> tokens) implements Block {
        public Tokens {
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * A token of a response.
     *
     * @param text what it writes
     * @param logRatio log pi - log mu, nats
     * @param note its numbers, for whoever points at it
     */
    record Token(String text, double logRatio, String note) {}
}
