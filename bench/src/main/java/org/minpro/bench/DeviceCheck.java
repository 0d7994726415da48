package org.minpro.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.function.Supplier;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Engine;
import org.minpro.tensor.FlashAttention;
import org.minpro.tensor.NoGradient;
import org.minpro.tensor.Philox;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Operations on a device, beside the same in float64 on the CPU; then rates of products, and what a small operation takes.
 *
 * <pre>DeviceCheck auto|cpu|cuda[:N]</pre>
 */
public final class DeviceCheck {
    private final Device device;
    private int failed;

    private DeviceCheck(Device device) {
        this.device = device;
    }

    public static void main(String[] arguments) {
        if (arguments.length != 1) {
            System.err.println("usage: DeviceCheck auto|cpu|cuda[:N]");
            System.exit(2);
        }
        DeviceCheck check = new DeviceCheck(Engine.use(arguments[0]));
        System.out.println(Engine.kernels());
        System.out.println("device " + check.device + ", " + FlashAttention.description(check.device));
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            check.operations();
            check.attention();
        }
        check.rates();
        System.out.println(check.failed == 0 ? "all as on the CPU" : check.failed + " differ");
        System.exit(check.failed == 0 ? 0 : 1);
    }

    private static Tensor normals(long draw, long... shape) {
        int elements = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return Tensor.of(Device.parse("cpu"), Philox.normals(elements, 0, Philox.Purpose.TRIAL, draw), shape)
                .to(DType.F64);
    }

    private Tensor there(Tensor tensor) {
        return tensor.to(DType.F32).to(device);
    }

    private void compare(String name, Tensor found, Tensor expected, double limit) {
        boolean placed = found.device().equals(device);
        Tensor difference = found.to(Device.parse("cpu")).to(DType.F64).subtract(expected);
        double far = difference.square().sum().item() / expected.square().sum().item();
        boolean good = placed && Math.sqrt(far) <= limit;
        failed += good ? 0 : 1;
        System.out.printf(
                Locale.ROOT,
                "%-28s %-4s relative error %.1e, at most %.0e, on %s%n",
                name,
                good ? "ok" : "FAIL",
                Math.sqrt(far),
                limit,
                found.device());
    }

    private void operations() {
        Tensor x = normals(0, 192, 320);
        Tensor weight = normals(1, 256, 320);
        Tensor product = x.linear(weight);
        compare("product, f32", there(x).linear(there(weight)), product, 1e-6);
        compare("product, bf16", there(x).to(DType.BF16).linear(there(weight).to(DType.BF16)), product, 1e-2);
        compare("log-softmax", there(x).logSoftmax(1), x.logSoftmax(1), 1e-6);
        compare("norm", there(x).rmsNorm(there(weight.select(0, 0)), 1e-5), x.rmsNorm(weight.select(0, 0), 1e-5), 1e-6);
        compare("sum", there(x).sumAsF64(), x.sum(), 1e-6);
        compare("cumulative sum", there(x).cumulativeSumAsF64(1), x.cumulativeSum(1), 1e-6);
        long[] rows = {5, 0, 191, 5};
        Tensor index = Tensor.of(Device.parse("cpu"), rows);
        compare("rows", there(x).indexSelect(0, Tensor.of(device, rows)), x.indexSelect(0, index), 1e-7);
        compare(
                "rows added",
                there(x).indexAdd(0, Tensor.of(device, rows), there(weight.narrow(0, 0, 4))),
                x.indexAdd(0, index, weight.narrow(0, 0, 4)),
                1e-6);
    }

    private void attention() {
        Tensor query = normals(2, 3, 4, 61, 32);
        Tensor key = normals(3, 3, 4, 61, 32);
        Tensor value = normals(4, 3, 4, 61, 32);
        Tensor upstream = normals(5, 3, 4, 61, 32);
        FlashAttention.Result right = FlashAttention.forward(query, key, value, true);
        FlashAttention.Result found = FlashAttention.forward(there(query), there(key), there(value), true);
        compare("attention", found.output(), right.output(), 1e-5);
        FlashAttention.Gradient slope = FlashAttention.backward(upstream, query, key, value, right, true);
        FlashAttention.Gradient back =
                FlashAttention.backward(there(upstream), there(query), there(key), there(value), found, true);
        compare("attention, to queries", back.query(), slope.query(), 1e-5);
        compare("attention, to keys", back.key(), slope.key(), 1e-5);
        compare("attention, to values", back.value(), slope.value(), 1e-5);
    }

    private void rates() {
        int size = device.isCuda() ? 8192 : 1024;
        for (DType type : new DType[] {DType.F32, DType.BF16}) {
            try (Scope scope = Scope.open();
                    NoGradient off = NoGradient.open()) {
                Tensor x = Tensor.ones(device, type, size, size);
                double seconds = seconds(() -> x.linear(x), 10);
                System.out.printf(
                        Locale.ROOT,
                        "product %d^3, %s: %.1f TFLOP/s%n",
                        size,
                        type,
                        2.0 * size * size * size / seconds / 1e12);
            }
        }
        try (Scope scope = Scope.open();
                NoGradient off = NoGradient.open()) {
            Tensor x = Tensor.ones(device, DType.F32, 16);
            System.out.printf(Locale.ROOT, "a small operation: %.1f us%n", seconds(() -> x.addInPlace(1), 2000) * 1e6);
        }
    }

    /** Of one time; reading a number waits for all that was asked of the device before. */
    private static double seconds(Supplier<Tensor> operation, int times) {
        long begun = 0;
        for (int i = -2; i < times; i++) {
            try (Scope scope = Scope.open()) {
                Tensor result = operation.get();
                if (i == -1 || i == times - 1) {
                    double unused =
                            result.view(result.elements()).narrow(0, 0, 1).item();
                    begun = i == -1 ? System.nanoTime() : begun;
                }
            }
        }
        return (System.nanoTime() - begun) / 1e9 / times;
    }
}
