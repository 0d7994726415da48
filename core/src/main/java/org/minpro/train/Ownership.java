package org.minpro.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.minpro.dist.Collectives;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Which elements of each trained parameter a rank owns: it adds up their gradients, keeps their optimizer state and steps them
 * (ZeRO stage 1, arXiv 1910.02054).
 *
 * <p>All parameters lie one after the other and are cut into units of at most {@value #UNIT} elements of one parameter; a unit
 * belongs to the rank in whose equal share of the whole it begins. So a rank has one slice of a parameter at most, and the units
 * are those whose squares are added on the way to a norm, however many ranks there are.
 */
final class Ownership {
    /** Elements of a unit; the last one of a parameter may have fewer. */
    static final long UNIT = 1L << 20;

    /** Elements that travel at once. */
    private static final long LOAD = 1L << 22;

    private final SequencedMap<String, Slice[]> slices = new LinkedHashMap<>();
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

    /**
     * @param parameters those that are trained, in the order of the model
     * @param ranks who share them; this process owns everything where it is alone
     */
    Ownership(SequencedMap<String, Tensor> parameters, Collectives ranks) {
        this.ranks = ranks;
        int size = ranks.size();
        long all = parameters.values().stream().mapToLong(Tensor::elements).sum();
        long before = 0;
        for (Map.Entry<String, Tensor> parameter : parameters.entrySet()) {
            long elements = parameter.getValue().elements();
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
            slices.put(parameter.getKey(), ofParameter);
            before += elements;
        }
    }

    Collectives ranks() {
        return ranks;
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

    static Tensor part(Tensor whole, long start, long length) {
        return whole.view(whole.elements()).narrow(0, start, length);
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
        for (int owner = 0; owner < ranks.size(); owner++) {
            List<Tensor> load = new ArrayList<>();
            long elements = 0;
            try (Scope scope = Scope.open()) {
                for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
                    Slice slice = of(entry.getKey(), owner);
                    for (long start = slice.start; start < slice.end(); start += LOAD) {
                        Tensor part = part(entry.getValue(), start, Math.min(LOAD, slice.end() - start));
                        if (elements + part.elements() > LOAD) {
                            send(what, load, elements, owner);
                            load.clear();
                            elements = 0;
                        }
                        load.add(part);
                        elements += part.elements();
                    }
                }
                send(what, load, elements, owner);
            }
        }
    }

    private void send(String what, List<Tensor> load, long elements, int owner) {
        if (load.isEmpty()) {
            return;
        }
        if (load.size() == 1) {
            ranks.broadcast(what, load.getFirst(), owner);
            return;
        }
        try (Scope scope = Scope.open()) {
            Tensor packed =
                    Tensor.empty(load.getFirst().device(), load.getFirst().type(), elements);
            long at = 0;
            for (Tensor part : load) {
                Tensor place = packed.narrow(0, at, part.elements());
                at += part.elements();
                if (owner == ranks.rank()) {
                    place.copyInPlace(part);
                }
            }
            ranks.broadcast(what, packed, owner);
            at = 0;
            for (Tensor part : load) {
                if (owner != ranks.rank()) {
                    part.copyInPlace(packed.narrow(0, at, part.elements()));
                }
                at += part.elements();
            }
        }
    }
}
