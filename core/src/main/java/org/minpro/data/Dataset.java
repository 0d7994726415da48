package org.minpro.data;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A finite list of problems.
 *
 * @param name where they come from, for messages
 * @param problems in the order of the files
 * @param reading what was made of the rows
 */
public record Dataset(String name, List<Problem> problems, Reading reading) {
    /**
     * What a reader of rows should say.
     *
     * @param repeated rows that were left out because they repeat the prompt of an earlier one
     * @param contradicting those of them whose answer is another
     * @param endedByAssistant conversations whose last turn is the assistant's and was left out of the prompt
     */
    public record Reading(int repeated, int contradicting, int endedByAssistant) {
        /** Nothing to say. */
        public static final Reading NONE = new Reading(0, 0, 0);

        Reading plus(Reading other) {
            return new Reading(
                    repeated + other.repeated,
                    contradicting + other.contradicting,
                    endedByAssistant + other.endedByAssistant);
        }

        /** One line for each thing that a user would want to know. */
        public List<String> notices() {
            List<String> notices = new ArrayList<>();
            if (repeated > 0) {
                notices.add(repeated + " rows are left out, because they repeat the prompt of an earlier row"
                        + (contradicting == 0
                                ? ""
                                : "; " + contradicting + " of them have another answer than it: check the data"));
            }
            if (endedByAssistant > 0) {
                notices.add(endedByAssistant + " conversations end with the assistant: that turn is left out of the"
                        + " prompt, and is the reference where the row has no answer field");
            }
            return notices;
        }
    }

    public Dataset {
        problems = List.copyOf(problems);
    }

    public Dataset(String name, List<Problem> problems) {
        this(name, problems, Reading.NONE);
    }

    /**
     * Reads one or more files of {@link Rows}.
     *
     * @throws DataException for an unreadable row, an id given twice, or no rows at all
     */
    public static Dataset read(List<Path> files, RowMapping mapping) {
        List<Problem> problems = new ArrayList<>();
        Map<String, First> firsts = new HashMap<>();
        Reading reading = Reading.NONE;
        for (Path file : files) {
            try (Rows rows = Rows.open(file)) {
                for (Row row = rows.next(); row != null; row = rows.next()) {
                    Problem problem = mapping.problem(row);
                    First first = firsts.putIfAbsent(problem.id(), new First(row.place(), problem.answer()));
                    if (first == null) {
                        problems.add(problem);
                        reading = reading.plus(new Reading(0, 0, mapping.endsWithReference(row) ? 1 : 0));
                    } else if (mapping.idField() != null) {
                        throw row.error("field '" + mapping.idField() + "' must be unique, got: \"" + problem.id()
                                + "\", which " + first.place() + " has too");
                    } else {
                        // Without an id field the id is the prompt's hash: a repeated prompt is the same problem again.
                        reading = reading.plus(new Reading(1, first.answer().equals(problem.answer()) ? 0 : 1, 0));
                    }
                }
            }
        }
        String name = String.join(", ", files.stream().map(Path::toString).toList());
        if (problems.isEmpty()) {
            throw new DataException(name + " must hold at least one row, got: none");
        }
        return new Dataset(name, problems, reading);
    }

    /** Where an id was first met, and the answer there. */
    private record First(String place, String answer) {}

    /** All problems of several data sets, in order; a text that an earlier one has is left out and counted. */
    public static Dataset join(List<Dataset> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        Map<String, Problem> byText = new LinkedHashMap<>();
        Map<String, String> namesOfIds = new HashMap<>();
        Reading reading = Reading.NONE;
        for (Dataset part : parts) {
            reading = reading.plus(part.reading());
            for (Problem problem : part.problems()) {
                Problem first = byText.putIfAbsent(problem.identity(), problem);
                if (first != null) {
                    reading = reading.plus(new Reading(1, first.answer().equals(problem.answer()) ? 0 : 1, 0));
                } else {
                    String other = namesOfIds.putIfAbsent(problem.id(), part.name());
                    if (other != null) {
                        throw new DataException("ids must be unique, got: \"" + problem.id() + "\" in " + other
                                + " and in " + part.name());
                    }
                }
            }
        }
        return new Dataset(
                String.join(", ", parts.stream().map(Dataset::name).toList()), List.copyOf(byText.values()), reading);
    }

    public int size() {
        return problems.size();
    }

    /** The first {@code count} problems, or all where there are fewer. */
    public Dataset limit(int count) {
        return count >= size() ? this : new Dataset(name, problems.subList(0, count));
    }

    /**
     * Splits by a hash of the problem's {@linkplain Problem#identity() text}, so that the parts have no text in common, whatever the order of the
     * files, and a problem stays in its part when others are added.
     *
     * @param heldOutFraction expected share of the held-out part, in [0, 1]
     * @param seed another seed, another split
     */
    public Split split(double heldOutFraction, long seed) {
        if (!(heldOutFraction >= 0 && heldOutFraction <= 1)) {
            throw new IllegalArgumentException("heldOutFraction must be in [0, 1], got: " + heldOutFraction);
        }
        List<Problem> train = new ArrayList<>();
        List<Problem> heldOut = new ArrayList<>();
        for (Problem problem : problems) {
            long bits = ByteBuffer.wrap(RowMapping.sha256(seed + "\n" + problem.identity()))
                    .getLong();
            double uniform = (bits >>> 11) * 0x1p-53;
            (uniform < heldOutFraction ? heldOut : train).add(problem);
        }
        return new Split(new Dataset(name, train), new Dataset(name + " (held out)", heldOut));
    }

    /** Two parts without a common text; either may be empty. */
    public record Split(Dataset train, Dataset heldOut) {}
}
