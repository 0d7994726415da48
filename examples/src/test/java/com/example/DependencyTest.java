package com.example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/** One dependency brings the library and its native code. */
class DependencyTest {
    @Test
    void computesWithTheNativesOfTheDependency() {
        try (Scope scope = Scope.open()) {
            Tensor numbers = Tensor.of(Device.CPU, new float[] {1, 2, 3, 4}, 2, 2);
            assertEquals(30, numbers.multiply(numbers).sum().item());
        }
    }
}
