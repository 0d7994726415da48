package org.minpro.data;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
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
    /** JSON Lines of more bytes than these, those of all sources together, stay in their files. */
    public static final long KEPT_BYTES = 64_000_000;

    private static final int TOLD_EVERY = 4096;

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
                notices.add((repeated == 1
                                ? "1 row is left out, because it repeats"
                                : repeated + " rows are left out, because they repeat")
                        + " the prompt of an earlier row"
                        + (contradicting == 0
                                ? ""
                                : "; " + contradicting + " of them " + (contradicting == 1 ? "has" : "have")
                                        + " another answer than it: check the data"));
            }
            if (endedByAssistant > 0) {
                notices.add((endedByAssistant == 1 ? "1 conversation ends" : endedByAssistant + " conversations end")
                        + " with the assistant: that turn is left out of the"
                        + " prompt, and is the reference where the row has no answer field");
            }
            return notices;
        }
    }

    public Dataset {
        problems = problems instanceof IndexedProblems ? problems : List.copyOf(problems);
    }

    public Dataset(String name, List<Problem> problems) {
        this(name, problems, Reading.NONE);
    }

    /** As {@link #read(List, RowMapping, Progress)}, telling nobody. */
    public static Dataset read(List<Path> files, RowMapping mapping) {
        return read(files, mapping, (pass, done, all) -> {});
    }

    /** A pass through the data, of which there are several where it stays in its files. */
    public enum Pass {
        /** Files are read for the first time; counted in bytes. */
        READ,
        /** Sources are joined; counted in problems. */
        JOIN,
        /** Problems are held out; counted in problems. */
        SPLIT
    }

    /** Is told now and then how far a pass through large files has come. */
    @FunctionalInterface
    public interface Progress {
        /**
         * @param done bytes or problems, see {@link Pass}
         * @param all of them
         */
        void come(Pass pass, long done, long all);
    }

    /** As {@link #read(List, RowMapping, Progress, long)}, with {@link #KEPT_BYTES}. */
    public static Dataset read(List<Path> files, RowMapping mapping, Progress progress) {
        return read(files, mapping, progress, KEPT_BYTES);
    }

    /**
     * Reads one or more files of {@link Rows}. Of large JSON Lines only an index is kept; problems of others are kept.
     *
     * @param progress told now and then where files are large
     * @param kept JSON Lines of more bytes than these in all stay in their files
     * @throws DataException for an unreadable row, an id given twice, or no rows at all
     */
    public static Dataset read(List<Path> files, RowMapping mapping, Progress progress, long kept) {
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
                            if ((count & TOLD_EVERY - 1) == 0) {
                                progress.come(Pass.READ, readBefore + offset, bytes);
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

    /**
     * All problems of several data sets, in order; a text that an earlier one has is left out and counted. Those that stay in
     * their files stay there.
     */
    public static Dataset join(List<Dataset> parts, Progress progress) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        List<Problem> all =
                new JoinedProblems(parts.stream().map(Dataset::problems).toList());
        FirstPlaces texts = new FirstPlaces();
        BitSet kept = new BitSet(all.size());
        long[] ids = new long[all.size()];
        int[] counts = new int[4]; // problems, kept ones, repeated ones, contradicting ones
        all.forEach(problem -> {
            int place = tell(progress, Pass.JOIN, counts, all.size());
            int first = texts.putIfAbsent(problem.identity(), place);
            if (first == FirstPlaces.NONE) {
                kept.set(place);
                ids[counts[1]++] = FirstPlaces.key(problem.id());
            } else {
                counts[2]++;
                counts[3] += all.get(first).answer().equals(problem.answer()) ? 0 : 1;
            }
        });
        requireUnique(parts, kept, Arrays.copyOf(ids, counts[1]));
        Reading reading = new Reading(counts[2], counts[3], 0);
        for (Dataset part : parts) {
            reading = reading.plus(part.reading());
        }
        boolean stored = parts.stream().anyMatch(part -> part.problems() instanceof IndexedProblems);
        List<Problem> chosen = select(all, kept.stream().toArray());
        return new Dataset(
                String.join(", ", parts.stream().map(Dataset::name).toList()),
                stored ? chosen : List.copyOf(chosen),
                reading);
    }

    /** Counts a problem of a pass, tells of it now and then, and returns its place. */
    private static int tell(Progress progress, Pass pass, int[] counts, int all) {
        int place = counts[0]++;
        if ((place & TOLD_EVERY - 1) == TOLD_EVERY - 1) {
            progress.come(pass, place, all);
        }
        return place;
    }

    private static void requireUnique(List<Dataset> parts, BitSet kept, long[] ids) {
        Arrays.sort(ids);
        for (int i = 1; i < ids.length; i++) {
            if (ids[i] == ids[i - 1]) {
                throw twice(parts, kept, ids[i]);
            }
        }
    }

    private static DataException twice(List<Dataset> parts, BitSet kept, long key) {
        List<String> names = new ArrayList<>();
        String[] id = {""};
        int[] place = {0};
        for (Dataset part : parts) {
            part.problems().forEach(problem -> {
                if (kept.get(place[0]++) && FirstPlaces.key(problem.id()) == key) {
                    names.add(part.name());
                    id[0] = problem.id();
                }
            });
        }
        return new DataException("ids must be unique, got: \"" + id[0] + "\" in " + String.join(" and in ", names));
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
        return split(heldOutFraction, seed, (pass, done, all) -> {});
    }

    /**
     * As {@link #split(double, long)}.
     *
     * @param progress told now and then
     */
    public Split split(double heldOutFraction, long seed, Progress progress) {
        if (!(heldOutFraction >= 0 && heldOutFraction <= 1)) {
            throw new IllegalArgumentException("heldOutFraction must be in [0, 1], got: " + heldOutFraction);
        }
        BitSet isHeldOut = new BitSet(size());
        int[] counts = {0};
        problems.forEach(problem -> {
            int place = tell(progress, Pass.SPLIT, counts, size());
            long bits = ByteBuffer.wrap(RowMapping.sha256(seed + "\n" + problem.identity()))
                    .getLong();
            isHeldOut.set(place, (bits >>> 11) * 0x1p-53 < heldOutFraction);
        });
        return new Split(
                new Dataset(name, select(problems, places(place -> !isHeldOut.get(place)))),
                new Dataset(name + " (held out)", select(problems, places(isHeldOut::get))));
    }

    private int[] places(IntPredicate wanted) {
        return IntStream.range(0, size()).filter(wanted).toArray();
    }

    /** Problems at the given places of a list, which ascend; those that stay in their files stay there. */
    static List<Problem> select(List<Problem> problems, int[] places) {
        return problems instanceof IndexedProblems indexed
                ? indexed.select(places)
                : Arrays.stream(places).mapToObj(problems::get).toList();
    }

    /** Two parts without a common text; either may be empty. */
    public record Split(Dataset train, Dataset heldOut) {}
}
