package org.minpro.train;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.SequencedSet;
import org.minpro.dist.Collectives;
import org.minpro.tensor.DType;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Adds up the gradients of all ranks' lanes: of some parameters, every lane's slice of a parameter goes to the rank that owns the slice, which adds the
 * lanes in their order, so that the bits are those of one process.
 *
 * <p>Where only rounding is promised ({@link Reduce#ALLREDUCE}), a rank adds its own lanes first and sends one sum.
 */
final class GradientExchange {
    private static final String WHAT = "the gradients of an update";

    private final Ownership ownership;
    private final Collectives ranks;
    private final Reduce reduce;

    GradientExchange(Ownership ownership, Reduce reduce) {
        this.ownership = ownership;
        this.ranks = ownership.ranks();
        this.reduce = reduce;
    }

    /** A lane's gradients, on the rank that has executed it. */
    record OfLane(int lane, SequencedMap<String, Tensor> gradients) {}

    /**
     * The sum over all lanes.
     *
     * @param lanes of the update, on all ranks
     * @param mine those that this rank has executed, in their order; their gradients belong to the exchange from now on
     * @param parameters whose gradients they are
     * @return gradients by name in the order of the parameters, whole tensors of which this rank's slices alone have values
     */
    SequencedMap<String, Tensor> sum(int lanes, List<OfLane> mine, SequencedMap<String, Tensor> parameters) {
        List<OfLane> given = mine;
        int summands = lanes;
        if (reduce == Reduce.ALLREDUCE) {
            SequencedMap<String, Tensor> ofRank = mine.getFirst().gradients;
            mine.subList(1, mine.size()).forEach(lane -> PolicyGradient.addInto(ofRank, lane.gradients));
            given = List.of(new OfLane(ranks.rank(), ofRank));
            summands = ranks.size();
        }
        List<String> names = List.copyOf(parameters.sequencedKeySet());
        List<SequencedSet<String>> present = present(summands, given, names);
        SequencedSet<String> all = new LinkedHashSet<>(names);
        all.removeIf(name -> present.stream().noneMatch(ofLane -> ofLane.contains(name)));
        SequencedMap<String, Tensor> sum = targets(all, given, parameters);
        for (List<List<Ownership.Piece>> ofOwners : ownership.rounds(all)) {
            round(ofOwners, present, given, sum);
        }
        for (OfLane lane : given.subList(1, given.size())) {
            lane.gradients.forEach((name, gradient) -> {
                if (sum.get(name) != gradient) {
                    gradient.close();
                }
            });
        }
        return sum;
    }

    /** The names that each lane has a gradient of, in the lane's order. */
    private List<SequencedSet<String>> present(int lanes, List<OfLane> given, List<String> names) {
        Map<String, Integer> ordinals = new LinkedHashMap<>();
        names.forEach(name -> ordinals.put(name, ordinals.size()));
        int length = given.stream().mapToInt(lane -> 2 + lane.gradients.size()).sum();
        ByteBuffer message = ByteBuffer.allocate(Integer.BYTES * length);
        for (OfLane lane : given) {
            message.putInt(lane.lane).putInt(lane.gradients.size());
            lane.gradients.keySet().forEach(name -> message.putInt(Objects.requireNonNull(ordinals.get(name))));
        }
        List<SequencedSet<String>> present = new ArrayList<>();
        for (int lane = 0; lane < lanes; lane++) {
            present.add(new LinkedHashSet<>());
        }
        for (byte[] ofRank : ranks.gather(WHAT, message.array())) {
            ByteBuffer buffer = ByteBuffer.wrap(ofRank);
            while (buffer.hasRemaining()) {
                SequencedSet<String> ofLane = present.get(buffer.getInt());
                for (int count = buffer.getInt(); count > 0; count--) {
                    ofLane.add(names.get(buffer.getInt()));
                }
            }
        }
        return present;
    }

    /** Where the sums come to lie: in the first lane's tensors, and in new ones for what that lane has no gradient of. */
    private static SequencedMap<String, Tensor> targets(
            SequencedSet<String> all, List<OfLane> given, Map<String, Tensor> parameters) {
        SequencedMap<String, Tensor> first = given.getFirst().gradients;
        SequencedMap<String, Tensor> targets = new LinkedHashMap<>();
        DType type = given.stream()
                .flatMap(lane -> lane.gradients.values().stream())
                .map(Tensor::type)
                .findFirst()
                .orElse(DType.F32);
        try (Scope scope = Scope.open()) {
            for (String name : all) {
                Tensor target = first.get(name);
                if (target == null) {
                    Tensor parameter = Objects.requireNonNull(parameters.get(name));
                    DType own = parameter.type() == DType.F64 ? DType.F64 : type;
                    target = Tensor.empty(parameter.device(), own, parameter.shape())
                            .retain();
                }
                targets.put(name, target);
            }
        }
        return targets;
    }

    private void round(
            List<List<Ownership.Piece>> ofOwners,
            List<SequencedSet<String>> present,
            List<OfLane> given,
            SequencedMap<String, Tensor> sum) {
        int size = ranks.size();
        List<Ownership.Piece> owned = ofOwners.get(ranks.rank());
        try (Scope scope = Scope.open()) {
            long[] giving = new long[size];
            List<Tensor> parts = new ArrayList<>();
            for (int owner = 0; owner < size; owner++) {
                for (OfLane lane : given) {
                    for (Ownership.Piece piece : ofOwners.get(owner)) {
                        Tensor gradient = lane.gradients.get(piece.parameter());
                        if (gradient != null) {
                            parts.add(piece.of(gradient));
                            giving[owner] += piece.length();
                        }
                    }
                }
            }
            long[] taking = new long[size];
            // Where a lane's pieces begin in what is received; lanes of a rank lie one after the other.
            long[] begins = new long[present.size()];
            long at = 0;
            for (int from = 0; from < size; from++) {
                for (int lane = from; lane < present.size(); lane += size) {
                    begins[lane] = at;
                    at += length(owned, present.get(lane));
                }
                taking[from] = at;
            }
            for (int from = size - 1; from > 0; from--) {
                taking[from] -= taking[from - 1];
            }
            Tensor any = sum.firstEntry().getValue();
            Tensor sent = parts.isEmpty() ? Tensor.empty(any.device(), any.type(), 0) : Tensor.concatenate(parts, 0);
            Tensor received = Tensor.empty(any.device(), any.type(), at);
            ranks.exchange(WHAT, sent, giving, received, taking);
            for (Ownership.Piece piece : owned) {
                Tensor target = piece.of(Objects.requireNonNull(sum.get(piece.parameter())));
                boolean begun = false;
                for (int lane = 0; lane < present.size(); lane++) {
                    if (present.get(lane).contains(piece.parameter())) {
                        Tensor part = received.narrow(0, begins[lane], piece.length());
                        begins[lane] += piece.length();
                        if (begun) {
                            target.addInPlace(part);
                        } else {
                            target.copyInPlace(part);
                        }
                        begun = true;
                    }
                }
            }
        }
    }

    private static long length(List<Ownership.Piece> pieces, SequencedSet<String> present) {
        return pieces.stream()
                .filter(piece -> present.contains(piece.parameter()))
                .mapToLong(Ownership.Piece::length)
                .sum();
    }
}
