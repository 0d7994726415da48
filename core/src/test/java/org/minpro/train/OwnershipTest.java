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
        parameters.put("large", Tensor.zeros(Device.CPU, DType.F32, 3 * Ownership.UNIT + 5));
        parameters.put("small", Tensor.zeros(Device.CPU, DType.F32, 10));
        return parameters;
    }

    @Test
    void everyElementHasOneOwnerAndSlicesReachAll() throws Exception {
        List<Long> owned = RanksInThreads.run(temporary.resolve("meeting"), 2, Duration.ofSeconds(20), ranks -> {
            try (Scope scope = Scope.open()) {
                SequencedMap<String, Tensor> parameters = parameters();
                Ownership ownership = new Ownership(parameters, ranks.learning());
                assertThat(ownership.of("large", 0)).isEqualTo(new Ownership.Slice(0, 2 * Ownership.UNIT));
                assertThat(ownership.of("large", 1))
                        .isEqualTo(new Ownership.Slice(2 * Ownership.UNIT, Ownership.UNIT + 5));
                assertThat(ownership.of("small", 0).length()).isZero();
                assertThat(ownership.owner("large", Ownership.UNIT)).isZero();
                assertThat(ownership.owner("small", 0)).isEqualTo(1);
                parameters.forEach((name, tensor) -> {
                    Ownership.Slice mine = ownership.mine(name);
                    Ownership.part(tensor, mine.start(), mine.length()).fillInPlace(1.0 + ranks.rank());
                });
                ownership.spread("values", parameters);
                Tensor large = Objects.requireNonNull(parameters.get("large"));
                assertThat(large.narrow(0, 0, 2 * Ownership.UNIT).equal(1).all())
                        .isTrue();
                assertThat(large.narrow(0, 2 * Ownership.UNIT, Ownership.UNIT + 5)
                                .equal(2)
                                .all())
                        .isTrue();
                assertThat(Objects.requireNonNull(parameters.get("small"))
                                .equal(2)
                                .all())
                        .isTrue();
                return ownership.elements();
            }
        });
        assertThat(owned).containsExactly(2 * Ownership.UNIT, Ownership.UNIT + 15);
    }
}
