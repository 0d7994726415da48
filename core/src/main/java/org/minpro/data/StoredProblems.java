package org.minpro.data;

import java.nio.file.Path;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Problems of JSON Lines files that are too large for memory: only where each row begins is kept, 12 bytes a row, and a
 * problem is read whenever it is asked for. Any number of threads may ask.
 *
 * <p>A row that is no longer what it was when the file was first read is a {@link DataException}: a run must not go on with
 * other problems than it began with.
 */
final class StoredProblems extends AbstractList<Problem> implements IndexedProblems {
    /** Bits of an offset; the file's number stands above them. */
    private static final int OFFSET_BITS = 48;

    private final List<Path> files;
    private final RowMapping mapping;
    private final long[] places;
    private final int[] checks;

    private StoredProblems(List<Path> files, RowMapping mapping, long[] places, int[] checks) {
        this.files = files;
        this.mapping = mapping;
        this.places = places;
        this.checks = checks;
    }

    @Override
    public int size() {
        return places.length;
    }

    @Override
    public Problem get(int index) {
        return read(files, mapping, places[index], checks[index]);
    }

    @Override
    public void forEach(Consumer<? super Problem> action) {
        int index = 0;
        for (int number = 0; number < files.size() && index < places.length; number++) {
            Path file = files.get(number);
            try (JsonlReader rows = JsonlReader.open(file)) {
                for (Row row = rows.next(); row != null && index < places.length; row = rows.next()) {
                    if (((long) number << OFFSET_BITS | rows.rowOffset()) == places[index]) {
                        Problem problem = mapping.problem(row);
                        if (check(problem) != checks[index]) {
                            throw changed(file, rows.rowOffset(), null);
                        }
                        index++;
                        action.accept(problem);
                    }
                }
            }
        }
        if (index < places.length) {
            throw changed(
                    files.get((int) (places[index] >>> OFFSET_BITS)), places[index] & ((1L << OFFSET_BITS) - 1), null);
        }
    }

    @Override
    public StoredProblems select(int[] indices) {
        return new StoredProblems(
                files,
                mapping,
                Arrays.stream(indices).mapToLong(index -> places[index]).toArray(),
                Arrays.stream(indices).map(index -> checks[index]).toArray());
    }

    private static Problem read(List<Path> files, RowMapping mapping, long place, int check) {
        Path file = files.get((int) (place >>> OFFSET_BITS));
        long offset = place & ((1L << OFFSET_BITS) - 1);
        try (JsonlReader rows = JsonlReader.open(file, offset)) {
            Problem problem = null;
            DataException cause = null;
            try {
                Row row = rows.next();
                problem = row == null ? null : mapping.problem(row);
            } catch (DataException e) {
                cause = e;
            }
            if (problem == null || check(problem) != check) {
                throw changed(file, offset, cause);
            }
            return problem;
        }
    }

    private static DataException changed(Path file, long offset, @Nullable DataException cause) {
        String message = file + " must not change while it is in use, got: another row at byte " + offset
                + ". Restore it, and continue the run";
        return cause == null ? new DataException(message) : new DataException(message, cause);
    }

    private static int check(Problem problem) {
        return 31 * problem.id().hashCode() + problem.answer().hashCode();
    }

    /** Collects the places as the files are read for the first time. */
    static final class Collector {
        private final List<Path> files;
        private final RowMapping mapping;
        private long[] places = new long[1024];
        private int[] checks = new int[1024];
        private int size;

        Collector(List<Path> files, RowMapping mapping) {
            this.files = List.copyOf(files);
            this.mapping = mapping;
        }

        /**
         * @param file its number
         * @param offset of the row's first byte
         */
        void add(int file, long offset, Problem problem) {
            if (size == places.length) {
                places = Arrays.copyOf(places, size + (size >> 1));
                checks = Arrays.copyOf(checks, places.length);
            }
            places[size] = (long) file << OFFSET_BITS | offset;
            checks[size++] = check(problem);
        }

        Problem get(int index) {
            return read(files, mapping, places[index], checks[index]);
        }

        StoredProblems finished() {
            return new StoredProblems(files, mapping, Arrays.copyOf(places, size), Arrays.copyOf(checks, size));
        }
    }
}
