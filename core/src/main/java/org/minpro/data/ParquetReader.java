package org.minpro.data;

import dev.hardwood.InputFile;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqMap;
import dev.hardwood.row.StructAccessor;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Reads the rows of a Parquet file: uncompressed, gzip, snappy or zstd; structs become objects and lists become lists, at
 * any depth, so that a row is what the same row in JSON Lines would be. Dates and times become their ISO texts.
 *
 * <p>Errors name {@code file:row}, from 1.
 */
public final class ParquetReader implements Rows {
    /** Hardwood tells on standard error which of its ways it takes; held here, because loggers are weakly held. */
    private static final Logger LOGGER = Logger.getLogger("dev.hardwood");

    static {
        LOGGER.setLevel(Level.WARNING);
    }

    private static final byte[] MAGIC = {'P', 'A', 'R', '1'};

    private final Path file;
    private final ParquetFileReader reader;
    private final RowReader rows;
    private long row;

    private ParquetReader(Path file, ParquetFileReader reader) {
        this.file = file;
        this.reader = reader;
        this.rows = reader.rowReader();
    }

    /** Opens a file. */
    public static ParquetReader open(Path file) {
        if (!Files.exists(file)) {
            throw new DataException(file + " does not exist (looked for "
                    + file.toAbsolutePath().normalize() + ")");
        }
        try (var in = Files.newInputStream(file)) {
            if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
                throw new DataException(file + " must be a Parquet file, got one that does not begin with PAR1;"
                        + " JSON Lines are read from files with any other ending");
            }
            return new ParquetReader(file, ParquetFileReader.open(InputFile.of(file)));
        } catch (DataException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new DataException(file + " cannot be read as Parquet: " + e.getMessage(), e);
        }
    }

    @Override
    public @Nullable Row next() {
        try {
            if (!rows.hasNext()) {
                return null;
            }
            rows.next();
            row++;
            return new Row(file.toString(), row, object(rows));
        } catch (RuntimeException | LinkageError e) {
            throw new DataException(file + ":" + (row + 1) + " cannot be read as Parquet: " + e.getMessage(), e);
        }
    }

    private static Map<String, @Nullable Object> object(StructAccessor struct) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        for (int i = 0; i < struct.getFieldCount(); i++) {
            object.put(struct.getFieldName(i), struct.isNull(i) ? null : plain(struct.getValue(i)));
        }
        return object;
    }

    /** A value as the JSON reader would give it. */
    private static @Nullable Object plain(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case StructAccessor struct -> object(struct);
            case PqList list -> {
                List<@Nullable Object> elements = new ArrayList<>();
                for (int i = 0; i < list.size(); i++) {
                    elements.add(list.isNull(i) ? null : plain(list.get(i)));
                }
                yield elements;
            }
            case PqMap map -> {
                Map<String, @Nullable Object> object = new LinkedHashMap<>();
                for (PqMap.Entry entry : map.getEntries()) {
                    object.put(String.valueOf(plain(entry.getKey())), plain(entry.getValue()));
                }
                yield object;
            }
            case Long number when number == number.intValue() -> number.intValue();
            case Float number -> Double.parseDouble(number.toString());
            case BigDecimal number -> number.doubleValue();
            case byte[] bytes -> new String(bytes, StandardCharsets.UTF_8);
            case String text -> text;
            case Boolean truth -> truth;
            case Number number -> number;
            default -> value.toString();
        };
    }

    @Override
    public void close() {
        try {
            rows.close();
            reader.close();
        } catch (IOException e) {
            throw new DataException(file + " cannot be closed: " + e.getMessage(), e);
        }
    }
}
