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
 * @param repeated how many rows were left out because they repeat the prompt of an earlier one
 */
public record Dataset(String name, List<Problem> problems, int repeated) {
    public Dataset {
        problems = List.copyOf(problems);
    }

    public Dataset(String name, List<Problem> problems) {
        this(name, problems, 0);
    }

    /**
     * Reads one or more JSONL files.
     *
     * @throws DataException for an unreadable row, an id given twice, or no rows at all
     */
    public static Dataset read(List<Path> files, RowMapping mapping) {
        List<Problem> problems = new ArrayList<>();
        Map<String, String> places = new HashMap<>();
        int repeated = 0;
        for (Path file : files) {
            try (JsonlReader reader = JsonlReader.open(file)) {
                for (Row row = reader.next(); row != null; row = reader.next()) {
                    Problem problem = mapping.problem(row);
                    String first = places.putIfAbsent(problem.id(), row.place());
                    if (first == null) {
                        problems.add(problem);
                    } else if (mapping.idField() != null) {
                        throw row.error("field '" + mapping.idField() + "' must be unique, got: \"" + problem.id()
                                + "\", which " + first + " has too");
                    } else {
                        // Without an id field the id is the prompt's hash: a repeated prompt is the same problem again.
                        repeated++;
                    }
                }
            }
        }
        String name = String.join(", ", files.stream().map(Path::toString).toList());
        if (problems.isEmpty()) {
            throw new DataException(name + " must hold at least one row, got: none");
        }
        return new Dataset(name, problems, repeated);
    }

    /** All problems of several data sets, in order; a text that an earlier one has is left out and counted. */
    public static Dataset join(List<Dataset> parts) {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        Map<String, Problem> byText = new LinkedHashMap<>();
        Map<String, String> namesOfIds = new HashMap<>();
        int repeated = 0;
        for (Dataset part : parts) {
            repeated += part.repeated();
            for (Problem problem : part.problems()) {
                if (byText.putIfAbsent(problem.identity(), problem) != null) {
                    repeated++;
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
                String.join(", ", parts.stream().map(Dataset::name).toList()), List.copyOf(byText.values()), repeated);
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
