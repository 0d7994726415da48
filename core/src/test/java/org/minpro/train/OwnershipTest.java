package org.minpro.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.dist.Collectives;
import org.minpro.dist.RanksInThreads;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class OwnershipTest {
    @TempDir
    private Path temporary;

    private static SequencedMap<String, Tensor> parameters() {
        SequencedMap<String, Tensor> parameters = new LinkedHashMap<>();
        parameters.put("model.layers.0.large.weight", Tensor.zeros(Device.CPU, DType.F32, 7 * Ownership.UNIT + 5));
        parameters.put("small", Tensor.zeros(Device.CPU, DType.F32, 10));
        parameters.put("smaller", Tensor.zeros(Device.CPU, DType.F32, 7));
        return parameters;
    }

    @Test
    void everyElementOfABucketHasOneOwnerAndSlicesReachAll() throws Exception {
        List<Long> owned = RanksInThreads.run(temporary.resolve("meeting"), 2, Duration.ofSeconds(20), ranks -> {
            try (Scope scope = Scope.open()) {
                SequencedMap<String, Tensor> parameters = parameters();
                Ownership ownership = new Ownership(parameters, ranks.learning());
                String name = parameters.firstEntry().getKey();
                long half = 4 * Ownership.UNIT;
                assertThat(ownership.of(name, 0)).isEqualTo(new Ownership.Slice(0, half));
                assertThat(ownership.of(name, 1)).isEqualTo(new Ownership.Slice(half, 3 * Ownership.UNIT + 5));
                // A bucket of their own, of which each begins in another half.
                assertThat(ownership.of("small", 1).length()).isZero();
                assertThat(ownership.of("smaller", 0).length()).isZero();
                assertThat(ownership.owner(name, Ownership.UNIT)).isZero();
                assertThat(ownership.owner("smaller", 0)).isEqualTo(1);
                parameters.forEach((each, tensor) -> {
                    Ownership.Slice mine = ownership.mine(each);
                    Ownership.part(tensor, mine.start(), mine.length()).fillInPlace(1.0 + ranks.rank());
                });
                ownership.spread("values", parameters);
                Tensor large = parameters.firstEntry().getValue();
                assertThat(large.narrow(0, 0, half).equal(1).all()).isTrue();
                assertThat(large.narrow(0, half, large.elements() - half)
                                .equal(2)
                                .all())
                        .isTrue();
                assertThat(Objects.requireNonNull(parameters.get("small"))
                                .equal(1)
                                .all())
                        .isTrue();
                assertThat(Objects.requireNonNull(parameters.get("smaller"))
                                .equal(2)
                                .all())
                        .isTrue();
                return ownership.elements();
            }
        });
        assertThat(owned).containsExactly(4 * Ownership.UNIT + 10, 3 * Ownership.UNIT + 12);
    }

    @Test
    void whatTravelsAtOnceIsALoadOfEachOwnerAtMost() {
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> parameters = parameters();
            Ownership ownership = new Ownership(parameters, Collectives.alone());
            assertThat(ownership.rounds(parameters.sequencedKeySet()))
                    .hasSize(2)
                    .allSatisfy(round -> assertThat(round.getFirst().stream()
                                    .mapToLong(Ownership.Piece::length)
                                    .sum())
                            .isBetween(1L, Ownership.LOAD));
        }
    }
}
