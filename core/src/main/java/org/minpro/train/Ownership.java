package org.minpro.train;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.minpro.dist.Collectives;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Which elements of each trained parameter a rank owns: it adds up their gradients, keeps their optimizer state and steps them
 * (ZeRO stage 1, arXiv 1910.02054).
 *
 * <p>The parameters of a bucket ({@link Buckets}) lie one after the other and are cut into units of at most {@value #UNIT} elements
 * of one parameter; a unit belongs to the rank in whose equal share of the bucket it begins. So a rank has one slice of a parameter
 * at most, every rank has its share of what travels at any time, and the units are those whose squares are added on the way to a
 * norm, however many ranks there are.
 */
final class Ownership {
    /** Elements of a unit; the last one of a parameter may have fewer. */
    static final long UNIT = 1L << 18;

    /** Elements of one owner that travel at once. */
    static final long LOAD = 1L << 20;

    private final Buckets buckets;
    private final SequencedMap<String, Slice[]> slices = new LinkedHashMap<>();
    private final Map<String, long[]> shapes = new HashMap<>();
    private final Collectives ranks;

    /**
     * Some elements of a parameter, in row-major order.
     *
     * @param length 0 for none
     */
    record Slice(long start, long length) {
        long end() {
            return start + length;
        }
    }

    /** Some elements of a parameter that have one owner and travel together. */
    record Piece(String parameter, long start, long length) {
        Tensor of(Tensor whole) {
            return part(whole, start, length);
        }
    }

    /**
     * @param parameters those that are trained, in the order of the model
     * @param ranks who share them; this process owns everything where it is alone
     */
    Ownership(SequencedMap<String, Tensor> parameters, Collectives ranks) {
        this.ranks = ranks;
        buckets = new Buckets(parameters);
        parameters.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
        for (int bucket = 0; bucket < buckets.count(); bucket++) {
            shareOut(buckets.names(bucket), parameters);
        }
    }

    private void shareOut(Collection<String> names, Map<String, Tensor> parameters) {
        int size = ranks.size();
        long all = 0;
        for (String name : names) {
            all += Objects.requireNonNull(parameters.get(name)).elements();
        }
        long before = 0;
        for (String name : names) {
            long elements = Objects.requireNonNull(parameters.get(name)).elements();
            long[] first = new long[size];
            long[] lengths = new long[size];
            for (long start = 0; start < elements; start += UNIT) {
                int owner = (int) ((before + start) * size / all);
                first[owner] = lengths[owner] == 0 ? start : first[owner];
                lengths[owner] += Math.min(UNIT, elements - start);
            }
            Slice[] ofParameter = new Slice[size];
            for (int rank = 0; rank < size; rank++) {
                ofParameter[rank] = new Slice(first[rank], lengths[rank]);
            }
            slices.put(name, ofParameter);
            before += elements;
        }
    }

    Collectives ranks() {
        return ranks;
    }

    Buckets buckets() {
        return buckets;
    }

    /** The shape of a whole parameter. */
    long[] shape(String parameter) {
        long[] shape = shapes.get(parameter);
        if (shape == null) {
            throw new IllegalArgumentException("parameter must be one that is trained, got: " + parameter);
        }
        return shape;
    }

    /** What a rank owns of a parameter. */
    Slice of(String parameter, int rank) {
        Slice[] ofParameter = slices.get(parameter);
        if (ofParameter == null) {
            throw new IllegalArgumentException("parameter must be one that is trained, got: " + parameter);
        }
        return ofParameter[rank];
    }

    /** What this rank owns of a parameter. */
    Slice mine(String parameter) {
        return of(parameter, ranks.rank());
    }

    /** Who owns the unit of a parameter that begins at an element. */
    int owner(String parameter, long start) {
        for (int rank = 0; rank < ranks.size(); rank++) {
            Slice slice = of(parameter, rank);
            if (start >= slice.start && start < slice.end()) {
                return rank;
            }
        }
        throw new IllegalArgumentException("element must lie within " + parameter + ", got: " + start);
    }

    /** Elements that this rank owns. */
    long elements() {
        return slices.values().stream()
                .mapToLong(ofParameter -> ofParameter[ranks.rank()].length)
                .sum();
    }

    /** What this rank owns of whole tensors, {@code [elements]} each, views in the innermost scope. */
    SequencedMap<String, Tensor> owned(SequencedMap<String, Tensor> wholes) {
        SequencedMap<String, Tensor> owned = new LinkedHashMap<>();
        wholes.forEach((name, whole) -> {
            Slice mine = mine(name);
            owned.put(name, part(whole, mine.start, mine.length));
        });
        return owned;
    }

    static Tensor part(Tensor whole, long start, long length) {
        return whole.view(whole.elements()).narrow(0, start, length);
    }

    /**
     * What an owner owns of some parameters, cut into what travels at once: at most {@value #LOAD} elements.
     *
     * @param names in the order in which they travel
     */
    List<List<Piece>> loads(Collection<String> names, int owner) {
        List<List<Piece>> loads = new ArrayList<>();
        long elements = LOAD;
        for (String name : names) {
            Slice slice = of(name, owner);
            for (long start = slice.start; start < slice.end(); start += LOAD) {
                Piece piece = new Piece(name, start, Math.min(LOAD, slice.end() - start));
                if (elements + piece.length > LOAD) {
                    loads.add(new ArrayList<>());
                    elements = 0;
                }
                loads.getLast().add(piece);
                elements += piece.length;
            }
        }
        return loads;
    }

    /** The {@link #loads} of all owners that travel together, by owner, one such list after the other. */
    List<List<List<Piece>>> rounds(Collection<String> names) {
        List<List<List<Piece>>> ofOwners = new ArrayList<>();
        for (int owner = 0; owner < ranks.size(); owner++) {
            ofOwners.add(loads(names, owner));
        }
        int most = ofOwners.stream().mapToInt(List::size).max().orElse(0);
        List<List<List<Piece>>> rounds = new ArrayList<>();
        for (int round = 0; round < most; round++) {
            List<List<Piece>> together = new ArrayList<>();
            for (List<List<Piece>> loads : ofOwners) {
                together.add(round < loads.size() ? loads.get(round) : List.of());
            }
            rounds.add(together);
        }
        return rounds;
    }

    /**
     * Brings each rank's slices to all the others.
     *
     * @param what it is, for the message where a rank does not come
     * @param tensors whole ones, of one type, the same names in the same order on every rank
     */
    void spread(String what, SequencedMap<String, Tensor> tensors) {
        if (ranks.isAlone()) {
            return;
        }
        for (List<List<Piece>> ofOwners : rounds(tensors.sequencedKeySet())) {
            try (Scope scope = Scope.open()) {
                spreadAtOnce(what, ofOwners, tensors);
            }
        }
    }

    private void spreadAtOnce(String what, List<List<Piece>> ofOwners, SequencedMap<String, Tensor> tensors) {
        long longest = ofOwners.stream()
                .mapToLong(pieces -> pieces.stream().mapToLong(Piece::length).sum())
                .max()
                .orElse(0);
        Tensor any = tensors.firstEntry().getValue();
        // Zeros, so that no stray bytes travel behind what is shorter than the longest.
        Tensor mine = Tensor.zeros(any.device(), any.type(), longest);
        Tensor all = Tensor.empty(any.device(), any.type(), ranks.size() * longest);
        long at = 0;
        for (Piece piece : ofOwners.get(ranks.rank())) {
            mine.narrow(0, at, piece.length)
                    .copyInPlace(piece.of(Objects.requireNonNull(tensors.get(piece.parameter))));
            at += piece.length;
        }
        ranks.gather(what, mine, all);
        for (int owner = 0; owner < ranks.size(); owner++) {
            at = owner * longest;
            for (Piece piece : ofOwners.get(owner)) {
                if (owner != ranks.rank()) {
                    piece.of(Objects.requireNonNull(tensors.get(piece.parameter)))
                            .copyInPlace(all.narrow(0, at, piece.length));
                }
                at += piece.length;
            }
        }
    }
}
