package org.minpro.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
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
        for (DType type : List.of(DType.F32, DType.BF16)) {
            for (int headDim : new int[] {12, 64, 128}) {
                System.out.println("device " + check.device + ", " + type + ", heads of " + headDim + ": "
                        + FlashAttention.description(check.device, type, headDim));
            }
        }
        check.part("rates", check::rates);
        check.part("operations", () -> withoutGradient(check::operations));
        check.part("attention", () -> withoutGradient(check::attention));
        check.part("gradient", check::gradient);
        System.out.println(check.failed == 0 ? "all as on the CPU" : check.failed + " differ");
        System.exit(check.failed == 0 ? 0 : 1);
    }

    private static void withoutGradient(Runnable part) {
        try (NoGradient off = NoGradient.open()) {
            part.run();
        }
    }

    /** One that fails loses no other: the device may be there once. */
    private void part(String name, Runnable part) {
        try (Scope scope = Scope.open()) {
            part.run();
        } catch (RuntimeException e) {
            failed++;
            System.out.println("FAIL " + name + ": " + firstLine(e));
        }
    }

    static String firstLine(RuntimeException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
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
        compare("the largest", there(x).largest(5, 1).values(), x.largest(5, 1).values(), 1e-7);
        compare("in order", there(x).sort(1, false).values(), x.sort(1, false).values(), 1e-7);
        Tensor columns = Tensor.range(device, 0, 192).unsqueeze(1);
        compare(
                "scattered",
                Tensor.zeros(device, DType.F32, 192, 192).scatterAddInPlace(1, columns, there(x).narrow(1, 0, 1)),
                Tensor.zeros(Device.parse("cpu"), DType.F64, 192, 192)
                        .scatterAddInPlace(
                                1, Tensor.range(Device.parse("cpu"), 0, 192).unsqueeze(1), x.narrow(1, 0, 1)),
                1e-7);
    }

    /** By autograd, through a product, a gate and a distribution. */
    private void gradient() {
        Tensor x = normals(6, 61, 48);
        Tensor weight = normals(7, 32, 48);
        Tensor leaf = weight.detach().requireGradient();
        loss(x, leaf).backward();
        Tensor other = there(weight).detach().requireGradient();
        loss(there(x), other).backward();
        compare("gradient", Objects.requireNonNull(other.gradient()), Objects.requireNonNull(leaf.gradient()), 1e-5);
    }

    private static Tensor loss(Tensor x, Tensor weight) {
        return x.linear(weight).silu().logSoftmax(1).square().sum();
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
        Tensor mask = Tensor.zeros(Device.parse("cpu"), DType.F64, 3, 1, 1, 64);
        mask.narrow(3, 40, 24).fillInPlace(Double.NEGATIVE_INFINITY);
        Tensor one = normals(8, 3, 4, 2, 32);
        Tensor cache = normals(9, 3, 4, 64, 32);
        compare(
                "attention to a cache, f32",
                Tensor.attention(there(one), there(cache), there(cache), there(mask), false),
                Tensor.attention(one, cache, cache, mask, false),
                1e-5);
        compare(
                "attention to a cache, bf16",
                Tensor.attention(
                        there(one).to(DType.BF16),
                        there(cache).to(DType.BF16),
                        there(cache).to(DType.BF16),
                        there(mask).to(DType.BF16),
                        false),
                Tensor.attention(one, cache, cache, mask, false),
                2e-2);
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
