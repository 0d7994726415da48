package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.minpro.model.Kernels;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** One dependency brings the library, its native code and its kernels. */
class DependencyTest {
    @Test
    void computesWithTheNativesOfTheDependency() {
        try (Scope scope = Scope.open()) {
            Tensor numbers = Tensor.of(Device.CPU, new float[] {1, 2, 3, 4}, 2, 2);
            assertEquals(30, numbers.multiply(numbers).sum().item());
        }
    }

    /** With JDK 25 and the module that docs/use-from-java.md names, on a processor with vectors of 256 bits. */
    @Test
    void computesWithTheKernelsOfTheDependency() throws IOException {
        Path processors = Path.of("/proc/cpuinfo");
        assumeTrue(Runtime.version().feature() >= 25, "the kernels need Java 25");
        assumeTrue(
                Files.exists(processors) && Files.readString(processors).contains(" avx2 "),
                "the processor has no AVX2");
        assertTrue(Kernels.vectors(), Kernels::reason);
    }
}
