package org.minpro.recipe;

import org.minpro.config.Doc;
import org.minpro.config.Rule;

/** What a run writes down of single tokens. */
public record RecordSection(
        @Doc("Rows of each update, chosen by seed, whose tokens are written to tokens.jsonl in the run's folder; 0 for"
                + " none.")
        int rows) {
    public RecordSection {
        Rule.notNegative("rows", rows);
    }

    /** Eight rows. */
    public RecordSection() {
        this(8);
    }
}
