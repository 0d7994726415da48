package org.minpro.data;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * A finite list of problems.
 *
 * @param name where they come from, for messages
 * @param problems in the order of the files
 * @param reading what was made of the rows
 */
public record Dataset(String name, List<Problem> problems, Reading reading) {
    /** Files of more bytes than these are not kept in memory. */
    static final long KEPT_BYTES = 64_000_000;

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
        problems = problems instanceof StoredProblems ? problems : List.copyOf(problems);
    }

    public Dataset(String name, List<Problem> problems) {
        this(name, problems, Reading.NONE);
    }

    /** As {@link #read(List, RowMapping, Progress)}, telling nobody. */
    public static Dataset read(List<Path> files, RowMapping mapping) {
        return read(files, mapping, (read, bytes) -> {});
    }

    /** Is told how far the reading of files has come. */
    @FunctionalInterface
    public interface Progress {
        /**
         * @param read bytes of the files that are read
         * @param bytes all of them
         */
        void read(long read, long bytes);
    }

    /**
     * Reads one or more files of {@link Rows}. JSON Lines of more than {@link #KEPT_BYTES} in all stay in their files, of
     * which only an index is kept; problems of others are kept.
     *
     * @param progress told now and then
     * @throws DataException for an unreadable row, an id given twice, or no rows at all
     */
    public static Dataset read(List<Path> files, RowMapping mapping, Progress progress) {
        return read(files, mapping, progress, KEPT_BYTES);
    }

    static Dataset read(List<Path> files, RowMapping mapping, Progress progress, long kept) {
        String name = String.join(", ", files.stream().map(Path::toString).toList());
        long bytes = 0;
        boolean stored = true;
        for (Path file : files) {
            bytes += file.toFile().length();
            stored &= Files.isRegularFile(file) && !Rows.isParquet(file);
        }
        Reading reading = Reading.NONE;
        List<Problem> problems = new ArrayList<>();
        StoredProblems.Collector collector =
                stored && bytes > kept ? new StoredProblems.Collector(files, mapping) : null;
        FirstPlaces firsts = new FirstPlaces();
        int count = 0;
        long readBefore = 0;
        for (int number = 0; number < files.size(); number++) {
            Path file = files.get(number);
            try (Rows rows = Rows.open(file)) {
                for (Row row = rows.next(); row != null; row = rows.next()) {
                    Problem problem = mapping.problem(row);
                    int first = firsts.putIfAbsent(problem.id(), count);
                    if (first == FirstPlaces.NONE) {
                        if (collector == null) {
                            problems.add(problem);
                        } else {
                            long offset = ((JsonlReader) rows).rowOffset();
                            collector.add(number, offset, problem);
                            if ((count & 4095) == 0) {
                                progress.read(readBefore + offset, bytes);
                            }
                        }
                        count++;
                        reading = reading.plus(new Reading(0, 0, mapping.endsWithReference(row) ? 1 : 0));
                        continue;
                    }
                    if (mapping.idField() != null) {
                        throw row.error("field '" + mapping.idField() + "' must be unique, got: \"" + problem.id()
                                + "\", which " + placeOf(problem.id(), files, mapping) + " has too");
                    }
                    // Without an id field the id is the prompt's hash: a repeated prompt is the same problem again.
                    Problem earlier = collector == null ? problems.get(first) : collector.get(first);
                    reading = reading.plus(new Reading(1, earlier.answer().equals(problem.answer()) ? 0 : 1, 0));
                }
            }
            readBefore += file.toFile().length();
        }
        if (count == 0) {
            throw new DataException(name + " must hold at least one row, got: none");
        }
        return new Dataset(name, collector == null ? problems : collector.finished(), reading);
    }

    /** Where an id is first met; read anew, because places are not kept. */
    private static String placeOf(String id, List<Path> files, RowMapping mapping) {
        for (Path file : files) {
            try (Rows rows = Rows.open(file)) {
                for (Row row = rows.next(); row != null; row = rows.next()) {
                    if (mapping.problem(row).id().equals(id)) {
                        return row.place();
                    }
                }
            }
        }
        throw new DataException(
                "the files must not change while they are read, got: no row with the id \"" + id + "\"");
    }

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
        BitSet isHeldOut = new BitSet(size());
        int[] index = {0};
        problems.forEach(problem -> {
            long bits = ByteBuffer.wrap(RowMapping.sha256(seed + "\n" + problem.identity()))
                    .getLong();
            isHeldOut.set(index[0]++, (bits >>> 11) * 0x1p-53 < heldOutFraction);
        });
        return new Split(
                new Dataset(name, select(place -> !isHeldOut.get(place))),
                new Dataset(name + " (held out)", select(isHeldOut::get)));
    }

    private List<Problem> select(IntPredicate wanted) {
        int[] indices = IntStream.range(0, size()).filter(wanted).toArray();
        return problems instanceof StoredProblems stored
                ? stored.select(indices)
                : Arrays.stream(indices).mapToObj(problems::get).toList();
    }

    /** Two parts without a common text; either may be empty. */
    public record Split(Dataset train, Dataset heldOut) {}
}
