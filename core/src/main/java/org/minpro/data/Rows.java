package org.minpro.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The rows of a data file, one after the other: JSON Lines, or Parquet where the file's name ends in {@code .parquet}. */
public interface Rows extends AutoCloseable {
    /**
     * The next row, or null at the end.
     *
     * @throws DataException if it cannot be read
     */
    @Nullable Row next();

    @Override
    void close();

    /**
     * Opens a file.
     *
     * @throws DataException if it is not there or of another kind
     */
    static Rows open(Path file) {
        return isParquet(file) ? ParquetReader.open(file) : JsonlReader.open(file);
    }

    /** Whether a file is Parquet by its name. */
    static boolean isParquet(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".parquet");
    }

    /** All rows of a file. */
    static List<Row> readAll(Path file) {
        try (Rows rows = open(file)) {
            List<Row> all = new ArrayList<>();
            for (Row row = rows.next(); row != null; row = rows.next()) {
                all.add(row);
            }
            return all;
        }
    }
}
