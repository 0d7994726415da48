package org.minpro.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * A dense array of numbers in native memory, with a gradient where one is asked for.
 *
 * <p>Every tensor is made inside an open {@link Scope} and freed with it; {@link Scope#keep} and {@link #retain} let it
 * live longer. Methods ending in {@code InPlace} change this tensor and return it; all others make a new one, which may
 * share the elements (views: {@link #view}, {@link #narrow}, {@link #select}, {@link #transpose}, {@link #detach}).
 */
public final class Tensor {
    static {
        Engine.start();
    }

    private static final BoolOptional NO_RETAIN = constant(new BoolOptional(false));
    private static final TensorArrayRefOptional ALL_LEAVES = constant(new TensorArrayRefOptional());
    private static final TensorOptional NO_TENSOR = constant(new TensorOptional());
    private static final DoubleOptional NO_DOUBLE = constant(new DoubleOptional());
    private static final LongOptional NO_LONG = constant(new LongOptional());
    private static final MemoryFormatOptional NO_FORMAT = constant(new MemoryFormatOptional());
    private static final ScalarTypeOptional AS_F64 = constant(new ScalarTypeOptional(DType.F64.scalarType()));

    /** Bytes of numbers that go to a GPU from pinned memory, which is never given back. */
    private static final long MOST_PINNED = 1L << 20;

    final org.bytedeco.pytorch.Tensor value;

    Tensor(org.bytedeco.pytorch.Tensor value) {
        if (PointerScope.getInnerScope() == null) {
            value.close();
            throw new IllegalStateException("a tensor must be made inside an open Scope, got: none in thread "
                    + Thread.currentThread().getName());
        }
        this.value = value;
    }

    /** A process-wide constant: no scope may free it. */
    private static <P extends Pointer> P constant(P pointer) {
        pointer.retainReference();
        return pointer;
    }

    private static Scalar scalar(double number) {
        return new Scalar(number);
    }

    // ---- making -------------------------------------------------------------------------------------------------

    public static Tensor zeros(Device device, DType type, long... shape) {
        return new Tensor(torch.zeros(shape, NativeDevice.options(device, type)));
    }

    public static Tensor ones(Device device, DType type, long... shape) {
        return new Tensor(torch.ones(shape, NativeDevice.options(device, type)));
    }

    /** Elements with undefined values, to be written before they are read. */
    public static Tensor empty(Device device, DType type, long... shape) {
        return new Tensor(torch.empty(shape, NativeDevice.options(device, type), NO_FORMAT));
    }

    public static Tensor full(Device device, DType type, double number, long... shape) {
        return new Tensor(torch.full(shape, scalar(number), NativeDevice.options(device, type)));
    }

    /** {@code start, start + 1, ..., end - 1} as {@link DType#I64}. */
    public static Tensor range(Device device, long start, long end) {
        return new Tensor(torch.arange(new Scalar(start), new Scalar(end), NativeDevice.options(device, DType.I64)));
    }

    public static Tensor of(Device device, float[] values, long... shape) {
        Tensor tensor = host(device, DType.F32, shapeOf(values.length, shape));
        if (values.length > 0) {
            new FloatPointer(tensor.value.data_ptr()).put(values);
        }
        return tensor.on(device);
    }

    public static Tensor of(Device device, double[] values, long... shape) {
        Tensor tensor = host(device, DType.F64, shapeOf(values.length, shape));
        if (values.length > 0) {
            new DoublePointer(tensor.value.data_ptr()).put(values);
        }
        return tensor.on(device);
    }

    public static Tensor of(Device device, long[] values, long... shape) {
        Tensor tensor = host(device, DType.I64, shapeOf(values.length, shape));
        if (values.length > 0) {
            new LongPointer(tensor.value.data_ptr()).put(values);
        }
        return tensor.on(device);
    }

    public static Tensor of(Device device, boolean[] values, long... shape) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) (values[i] ? 1 : 0);
        }
        Tensor tensor = host(device, DType.BOOL, shapeOf(values.length, shape));
        new BytePointer(tensor.value.data_ptr()).put(bytes);
        return tensor.on(device);
    }

    /** A copy of little-endian elements, as safetensors stores them; the buffer's position moves to its limit. */
    public static Tensor fromBytes(Device device, ByteBuffer elements, DType type, long... shape) {
        Tensor tensor = empty(Device.CPU, type, shape);
        long bytes = tensor.elements() * type.bytes();
        if (elements.remaining() != bytes) {
            throw new IllegalArgumentException("elements must have " + bytes + " bytes for " + type + " "
                    + Arrays.toString(shape) + ", got: " + elements.remaining());
        }
        if (bytes > 0) {
            ByteBuffer target = new BytePointer(tensor.value.data_ptr())
                    .capacity(bytes)
                    .asByteBuffer()
                    .order(ByteOrder.nativeOrder());
            target.put(elements);
        }
        return tensor.on(device);
    }

    /** Zeros of this tensor's shape and type, on its device. */
    public Tensor zerosLike() {
        return zeros(device(), type(), shape());
    }

    /** As {@link #empty}, of this tensor's shape and type, on its device. */
    public Tensor emptyLike() {
        return empty(device(), type(), shape());
    }

    /** Room where the CPU can write Java's numbers, which go to a device from there. */
    private static Tensor host(Device device, DType type, long[] shape) {
        if (device.isCuda() && Arrays.stream(shape).reduce(1, Math::multiplyExact) * type.bytes() <= MOST_PINNED) {
            TensorOptions pinned = NativeDevice.pinned(type);
            if (pinned != null) {
                return new Tensor(torch.empty(shape, pinned, NO_FORMAT));
            }
        }
        return empty(Device.CPU, type, shape);
    }

    private Tensor on(Device device) {
        if (device.equals(Device.CPU)) {
            return this;
        }
        // Pinned memory stays until the copy has been made.
        boolean ahead = device.isCuda() && value.is_pinned();
        return new Tensor(value.to(NativeDevice.of(device), value.scalar_type(), ahead, false, NO_FORMAT));
    }

    /** The values with one dimension if no shape is given. */
    private static long[] shapeOf(int count, long[] shape) {
        if (shape.length == 0) {
            return new long[] {count};
        }
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        if (elements != count) {
            throw new IllegalArgumentException("shape must hold " + count + " values, got: " + Arrays.toString(shape));
        }
        return shape;
    }

    // ---- life ---------------------------------------------------------------------------------------------------

    /** Gives this tensor an owner: no scope frees it, {@link #close} must. */
    public Tensor retain() {
        value.retainReference();
        return this;
    }

    /** Frees a {@linkplain #retain retained} tensor. */
    public void close() {
        value.releaseReference();
    }

    /** Whether the native memory is still there. */
    public boolean isOpen() {
        return !value.isNull();
    }

    // ---- reading ------------------------------------------------------------------------------------------------

    public DType type() {
        return DType.of(value.scalar_type());
    }

    public long[] shape() {
        return value.shape();
    }

    /** Size of one dimension; negative dimensions count from the end. */
    public long size(int dimension) {
        return value.size(dimension);
    }

    public int dimensions() {
        return (int) value.dim();
    }

    public long elements() {
        return value.numel();
    }

    public double item() {
        return value.item_double();
    }

    /** A copy of the elements as float32, in row-major order. */
    public float[] floats() {
        float[] values = new float[Math.toIntExact(elements())];
        if (values.length == 0) {
            return values;
        }
        try (PointerScope scope = new PointerScope()) {
            new FloatPointer(dense(DType.F32).data_ptr()).get(values);
        }
        return values;
    }

    /** A copy of the elements as float64, in row-major order. */
    public double[] doubles() {
        double[] values = new double[Math.toIntExact(elements())];
        if (values.length == 0) {
            return values;
        }
        try (PointerScope scope = new PointerScope()) {
            new DoublePointer(dense(DType.F64).data_ptr()).get(values);
        }
        return values;
    }

    /** A copy of the elements as int64, in row-major order. */
    public long[] longs() {
        long[] values = new long[Math.toIntExact(elements())];
        if (values.length == 0) {
            return values;
        }
        try (PointerScope scope = new PointerScope()) {
            new LongPointer(dense(DType.I64).data_ptr()).get(values);
        }
        return values;
    }

    /** A copy of the elements' bytes, little-endian, row-major, {@code elements * type.bytes()} of them. */
    public byte[] bytes() {
        byte[] bytes = new byte[Math.toIntExact(elements() * type().bytes())];
        copyBytes(0, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** Copies bytes of the row-major elements, from byte {@code offset} on, until the buffer is full. */
    public void copyBytes(long offset, ByteBuffer target) {
        long bytes = elements() * type().bytes();
        if (offset < 0 || offset + target.remaining() > bytes) {
            throw new IllegalArgumentException(
                    "byte range must lie within " + bytes + " bytes, got: " + offset + " + " + target.remaining());
        }
        if (!target.hasRemaining()) {
            return;
        }
        // Of another device's elements only those asked for are copied here.
        long first = offset / type().bytes();
        long end = (offset + target.remaining() + type().bytes() - 1) / type().bytes();
        try (PointerScope scope = new PointerScope()) {
            org.bytedeco.pytorch.Tensor part = value.detach()
                    .contiguous()
                    .view(-1)
                    .narrow(0, first, end - first)
                    .to(NativeDevice.of(Device.CPU), type().scalarType());
            long from = offset - first * type().bytes();
            target.put(new BytePointer(part.data_ptr())
                    .position(from)
                    .limit(from + target.remaining())
                    .asByteBuffer());
        }
    }

    private org.bytedeco.pytorch.Tensor dense(DType type) {
        return value.detach().to(NativeDevice.of(Device.CPU), type.scalarType()).contiguous();
    }

    /** Where the first element lies in memory: the same for all views that begin there. */
    public long address() {
        return value.data_ptr().address();
    }

    public Device device() {
        if (value.is_cpu()) {
            return Device.CPU;
        }
        if (value.is_meta()) {
            return Device.META;
        }
        try (PointerScope scope = new PointerScope()) {
            return Device.cuda(Math.max(0, value.device().index()));
        }
    }

    // ---- gradients ----------------------------------------------------------------------------------------------

    /** The same elements without history. */
    public Tensor detach() {
        return new Tensor(value.detach());
    }

    /** Marks this leaf as one whose gradient is wanted. */
    public Tensor requireGradient() {
        value.set_requires_grad(true);
        return this;
    }

    public boolean requiresGradient() {
        return value.requires_grad();
    }

    /** Accumulates d(this)/d(leaf) into every leaf's gradient; this must be a single number. */
    public void backward() {
        FixedOrder.of(device(), () -> {
            value.backward();
            return this;
        });
    }

    /** Accumulates the leaves' gradients for the upstream gradient {@code gradient}, of this tensor's shape. */
    public void backward(Tensor gradient) {
        FixedOrder.of(device(), () -> {
            value.backward(gradient.value, NO_RETAIN, false, ALL_LEAVES);
            return this;
        });
    }

    /**
     * Accumulates the leaves' gradients of several results at once; what reaches a leaf is added in the order in which
     * the engine goes back, a root that is itself a leaf first.
     */
    public static void backward(List<Tensor> results, List<Tensor> gradients) {
        FixedOrder.of(results.getFirst().device(), () -> {
            torch.backward(vector(results), vector(gradients), NO_RETAIN, false, new TensorVector());
            return results;
        });
    }

    /** The gradient of this leaf, or null where there is none yet. */
    public @Nullable Tensor gradient() {
        org.bytedeco.pytorch.Tensor gradient = value.grad();
        // A handle of its own: the leaf's goes with the leaf.
        return gradient.defined() ? new Tensor(new org.bytedeco.pytorch.Tensor(gradient)) : null;
    }

    /** Forgets this leaf's gradient. */
    public void clearGradient() {
        value.mutable_grad().reset();
    }

    // ---- types and devices --------------------------------------------------------------------------------------

    /** This tensor in another element type; itself where it has that type already. */
    public Tensor to(DType type) {
        return new Tensor(value.to(type.scalarType()));
    }

    /** This tensor on another device; itself where it is there already. */
    public Tensor to(Device device) {
        return new Tensor(value.to(NativeDevice.of(device), value.scalar_type()));
    }

    /** This tensor in this machine's memory, its elements one after the other; itself where it is so already. */
    public Tensor inMemory() {
        return device().equals(Device.CPU) && isContiguous()
                ? this
                : to(Device.CPU).contiguous();
    }

    /** A copy with elements of its own. */
    public Tensor copy() {
        return new Tensor(value.clone());
    }

    /** Whether the elements lie in row-major order without gaps. */
    public boolean isContiguous() {
        return value.is_contiguous();
    }

    /** The elements in row-major order without gaps; itself where they lie so already. */
    public Tensor contiguous() {
        return new Tensor(value.contiguous());
    }

    // ---- shapes -------------------------------------------------------------------------------------------------

    public Tensor view(long... shape) {
        return new Tensor(value.view(shape));
    }

    public Tensor reshape(long... shape) {
        return new Tensor(value.reshape(shape));
    }

    public Tensor permute(long... dimensions) {
        return new Tensor(value.permute(dimensions));
    }

    public Tensor transpose(int first, int second) {
        return new Tensor(value.transpose(first, second));
    }

    public Tensor unsqueeze(int dimension) {
        return new Tensor(value.unsqueeze(dimension));
    }

    public Tensor squeeze(int dimension) {
        return new Tensor(value.squeeze(dimension));
    }

    /** Repeats dimensions of size 1 without copying; -1 leaves a dimension as it is. */
    public Tensor expand(long... shape) {
        return new Tensor(value.expand(shape));
    }

    /** A view of {@code length} entries of a dimension from {@code start} on. */
    public Tensor narrow(int dimension, long start, long length) {
        return new Tensor(value.narrow(dimension, start, length));
    }

    /**
     * Views of consecutive parts of a dimension. Their gradients are joined in one step, where those of {@link #narrow}
     * are padded with zeros and added.
     */
    public Tensor[] split(int dimension, long... lengths) {
        TensorVector parts = value.split_with_sizes(lengths, dimension);
        Tensor[] tensors = new Tensor[lengths.length];
        for (int i = 0; i < tensors.length; i++) {
            // A handle of its own: the vector's goes with the vector.
            tensors[i] = new Tensor(new org.bytedeco.pytorch.Tensor(parts.get(i)));
        }
        return tensors;
    }

    /** A copy with a dimension in reverse order. */
    public Tensor flip(int dimension) {
        return new Tensor(value.flip(dimension));
    }

    public Tensor select(int dimension, long index) {
        return new Tensor(value.select(dimension, index));
    }

    public Tensor repeatInterleave(long repeats, int dimension) {
        return new Tensor(value.repeat_interleave(repeats, new LongOptional(dimension), NO_LONG));
    }

    public static Tensor concatenate(List<Tensor> tensors, int dimension) {
        return new Tensor(torch.cat(vector(tensors), dimension));
    }

    public static Tensor stack(List<Tensor> tensors, int dimension) {
        return new Tensor(torch.stack(vector(tensors), dimension));
    }

    private static TensorVector vector(List<Tensor> tensors) {
        return new TensorVector(
                tensors.stream().map(tensor -> tensor.value).toArray(org.bytedeco.pytorch.Tensor[]::new));
    }

    // ---- arithmetic ---------------------------------------------------------------------------------------------

    public Tensor add(Tensor other) {
        return new Tensor(value.add(other.value));
    }

    public Tensor add(double number) {
        return new Tensor(value.add(scalar(number)));
    }

    public Tensor subtract(Tensor other) {
        return new Tensor(value.sub(other.value));
    }

    public Tensor subtract(double number) {
        return new Tensor(value.sub(scalar(number)));
    }

    public Tensor multiply(Tensor other) {
        return new Tensor(value.mul(other.value));
    }

    public Tensor multiply(double number) {
        return new Tensor(value.mul(scalar(number)));
    }

    public Tensor divide(Tensor other) {
        return new Tensor(value.div(other.value));
    }

    public Tensor divide(double number) {
        return new Tensor(value.div(scalar(number)));
    }

    public Tensor addInPlace(Tensor other) {
        value.add_(other.value);
        return this;
    }

    public Tensor addInPlace(double number) {
        value.add_(scalar(number));
        return this;
    }

    public Tensor subtractInPlace(Tensor other) {
        value.sub_(other.value);
        return this;
    }

    public Tensor subtractInPlace(double number) {
        value.sub_(scalar(number));
        return this;
    }

    public Tensor multiplyInPlace(Tensor other) {
        value.mul_(other.value);
        return this;
    }

    public Tensor multiplyInPlace(double number) {
        value.mul_(scalar(number));
        return this;
    }

    public Tensor divideInPlace(Tensor other) {
        value.div_(other.value);
        return this;
    }

    public Tensor divideInPlace(double number) {
        value.div_(scalar(number));
        return this;
    }

    /** {@code this += scale * other}. */
    public Tensor addScaledInPlace(Tensor other, double scale) {
        value.add_(other.value, scalar(scale));
        return this;
    }

    /** {@code this += scale * first * second}. */
    public Tensor addProductInPlace(Tensor first, Tensor second, double scale) {
        value.addcmul_(first.value, second.value, scalar(scale));
        return this;
    }

    /** {@code this += scale * numerator / denominator}. */
    public Tensor addQuotientInPlace(Tensor numerator, Tensor denominator, double scale) {
        value.addcdiv_(numerator.value, denominator.value, scalar(scale));
        return this;
    }

    /** {@code this = beta * this + alpha * first x second}, for matrices. */
    public Tensor addMatrixProductInPlace(Tensor first, Tensor second, double beta, double alpha) {
        value.addmm_(first.value, second.value, scalar(beta), scalar(alpha));
        return this;
    }

    /** {@code this += weight * (other - this)}. */
    public Tensor interpolateInPlace(Tensor other, Tensor weight) {
        value.lerp_(other.value, weight.value);
        return this;
    }

    public Tensor squareRootInPlace() {
        value.sqrt_();
        return this;
    }

    public Tensor expInPlace() {
        value.exp_();
        return this;
    }

    public Tensor zeroInPlace() {
        value.zero_();
        return this;
    }

    public Tensor fillInPlace(double number) {
        value.fill_(scalar(number));
        return this;
    }

    /** Overwrites the elements with those of {@code source}, converting their type. */
    public Tensor copyInPlace(Tensor source) {
        value.copy_(source.value);
        return this;
    }

    public Tensor maskedFillInPlace(Tensor mask, double number) {
        value.masked_fill_(mask.value, scalar(number));
        return this;
    }

    /** Adds the rows of {@code source} to the rows {@code index} of {@code dimension}, those of one row in one order. */
    public Tensor indexAddInPlace(int dimension, Tensor index, Tensor source) {
        return FixedOrder.of(device(), () -> indexAddOnceInPlace(dimension, index, source));
    }

    /**
     * As {@link #indexAddInPlace}, where each row of {@code dimension} gets one row at most that is not zero. On CUDA it is the
     * faster one.
     */
    public Tensor indexAddOnceInPlace(int dimension, Tensor index, Tensor source) {
        value.index_add_(dimension, index.value, source.value);
        return this;
    }

    public Tensor indexCopyInPlace(int dimension, Tensor index, Tensor source) {
        value.index_copy_(dimension, index.value, source.value);
        return this;
    }

    /** Adds to one element of each row of {@code dimension}, or to several different ones. */
    public Tensor scatterAddInPlace(int dimension, Tensor index, Tensor source) {
        value.scatter_add_(dimension, index.value, source.value);
        return this;
    }

    public Tensor negate() {
        return new Tensor(value.neg());
    }

    public Tensor exp() {
        return new Tensor(value.exp());
    }

    public Tensor log() {
        return new Tensor(value.log());
    }

    public Tensor log1p() {
        return new Tensor(value.log1p());
    }

    public Tensor abs() {
        return new Tensor(value.abs());
    }

    public Tensor squareRoot() {
        return new Tensor(value.sqrt());
    }

    public Tensor square() {
        return new Tensor(value.square());
    }

    public Tensor sigmoid() {
        return new Tensor(value.sigmoid());
    }

    public Tensor tanh() {
        return new Tensor(value.tanh());
    }

    public Tensor arctangent() {
        return new Tensor(value.atan());
    }

    public Tensor sign() {
        return new Tensor(value.sign());
    }

    public Tensor cosine() {
        return new Tensor(value.cos());
    }

    public Tensor sine() {
        return new Tensor(value.sin());
    }

    public Tensor silu() {
        return new Tensor(torch.silu(value));
    }

    public Tensor isFinite() {
        return new Tensor(value.isfinite());
    }

    public Tensor isNotANumber() {
        return new Tensor(value.isnan());
    }

    public Tensor not() {
        return new Tensor(value.logical_not());
    }

    public Tensor power(double exponent) {
        return new Tensor(value.pow(scalar(exponent)));
    }

    public Tensor minimum(Tensor other) {
        return new Tensor(torch.minimum(value, other.value));
    }

    public Tensor maximum(Tensor other) {
        return new Tensor(torch.maximum(value, other.value));
    }

    /** Limits the elements to {@code [lowest, highest]}; the gradient is zero outside. */
    public Tensor clamp(double lowest, double highest) {
        return clampMinimum(lowest).clampMaximum(highest);
    }

    public Tensor clampMinimum(double lowest) {
        return new Tensor(value.clamp_min(scalar(lowest)));
    }

    public Tensor clampMaximum(double highest) {
        return new Tensor(value.clamp_max(scalar(highest)));
    }

    // ---- comparison and choice ----------------------------------------------------------------------------------

    public Tensor equal(Tensor other) {
        return new Tensor(value.eq(other.value));
    }

    public Tensor equal(double number) {
        return new Tensor(value.eq(scalar(number)));
    }

    public Tensor notEqual(Tensor other) {
        return new Tensor(value.ne(other.value));
    }

    public Tensor notEqual(double number) {
        return new Tensor(value.ne(scalar(number)));
    }

    public Tensor greater(Tensor other) {
        return new Tensor(value.gt(other.value));
    }

    public Tensor greater(double number) {
        return new Tensor(value.gt(scalar(number)));
    }

    public Tensor greaterOrEqual(Tensor other) {
        return new Tensor(value.ge(other.value));
    }

    public Tensor greaterOrEqual(double number) {
        return new Tensor(value.ge(scalar(number)));
    }

    public Tensor less(Tensor other) {
        return new Tensor(value.lt(other.value));
    }

    public Tensor less(double number) {
        return new Tensor(value.lt(scalar(number)));
    }

    public Tensor lessOrEqual(Tensor other) {
        return new Tensor(value.le(other.value));
    }

    public Tensor lessOrEqual(double number) {
        return new Tensor(value.le(scalar(number)));
    }

    public Tensor and(Tensor other) {
        return new Tensor(value.logical_and(other.value));
    }

    public Tensor or(Tensor other) {
        return new Tensor(value.logical_or(other.value));
    }

    public Tensor maskedFill(Tensor mask, double number) {
        return new Tensor(value.masked_fill(mask.value, scalar(number)));
    }

    /** {@code whenTrue} where this mask is true, else {@code whenFalse}. */
    public Tensor choose(Tensor whenTrue, Tensor whenFalse) {
        return new Tensor(torch.where(value, whenTrue.value, whenFalse.value));
    }

    // ---- reductions ---------------------------------------------------------------------------------------------

    public Tensor sum() {
        return new Tensor(value.sum());
    }

    public Tensor sum(int dimension, boolean keepDimension) {
        return new Tensor(value.sum(new long[] {dimension}, keepDimension, new ScalarTypeOptional()));
    }

    /** The sum of all elements, accumulated and returned in float64. */
    public Tensor sumAsF64() {
        return new Tensor(value.sum(AS_F64));
    }

    public Tensor sumAsF64(int dimension, boolean keepDimension) {
        return new Tensor(value.sum(new long[] {dimension}, keepDimension, AS_F64));
    }

    public Tensor mean() {
        return new Tensor(value.mean());
    }

    public Tensor mean(int dimension, boolean keepDimension) {
        return new Tensor(value.mean(new long[] {dimension}, keepDimension, new ScalarTypeOptional()));
    }

    public Tensor max() {
        return new Tensor(value.max());
    }

    public Tensor min() {
        return new Tensor(value.min());
    }

    public Tensor max(int dimension, boolean keepDimension) {
        return new Tensor(value.amax(new long[] {dimension}, keepDimension));
    }

    public Tensor min(int dimension, boolean keepDimension) {
        return new Tensor(value.amin(new long[] {dimension}, keepDimension));
    }

    public Tensor argmax(int dimension, boolean keepDimension) {
        return new Tensor(value.argmax(new LongOptional(dimension), keepDimension));
    }

    public boolean all() {
        return value.all().item_bool();
    }

    public boolean any() {
        return value.any().item_bool();
    }

    public Tensor cumulativeSum(int dimension) {
        return FixedOrder.of(device(), () -> new Tensor(value.cumsum(dimension)));
    }

    public Tensor cumulativeSumAsF64(int dimension) {
        return FixedOrder.of(device(), () -> new Tensor(value.cumsum(dimension, AS_F64)));
    }

    public Tensor cumulativeMinimum(int dimension) {
        return new Tensor(torch.cummin(value, dimension).get0());
    }

    public Tensor logSumExp(int dimension, boolean keepDimension) {
        return new Tensor(value.logsumexp(new long[] {dimension}, keepDimension));
    }

    /** {@code log(exp(this) + exp(other))} of each element. */
    public Tensor logAddExp(Tensor other) {
        return new Tensor(value.logaddexp(other.value));
    }

    public Tensor softmax(int dimension) {
        return new Tensor(value.softmax(dimension));
    }

    public Tensor logSoftmax(int dimension) {
        return new Tensor(value.log_softmax(dimension));
    }

    /** Values and their indices. */
    public record Ranked(Tensor values, Tensor indices) {}

    /** The {@code count} largest entries of a dimension, largest first. */
    public Ranked largest(long count, int dimension) {
        T_TensorTensor_T result = torch.topk(value, count, dimension, true, true);
        return new Ranked(new Tensor(result.get0()), new Tensor(result.get1()));
    }

    /** A dimension in order; equal entries keep their order. */
    public Ranked sort(int dimension, boolean descending) {
        T_TensorTensor_T result = torch.sort(value, new BoolOptional(true), dimension, descending);
        return new Ranked(new Tensor(result.get0()), new Tensor(result.get1()));
    }

    // ---- indexing -----------------------------------------------------------------------------------------------

    public Tensor gather(int dimension, Tensor index) {
        return new Tensor(value.gather(dimension, index.value));
    }

    public Tensor scatter(int dimension, Tensor index, Tensor source) {
        return new Tensor(value.scatter(dimension, index.value, source.value));
    }

    /** A copy with the rows of {@code source} added to the rows {@code index} of {@code dimension}. */
    public Tensor indexAdd(int dimension, Tensor index, Tensor source) {
        return FixedOrder.of(device(), () -> new Tensor(value.index_add(dimension, index.value, source.value)));
    }

    public Tensor indexSelect(int dimension, Tensor index) {
        return new Tensor(value.index_select(dimension, index.value));
    }

    /** Indices of the non-zero elements, {@code [count, dimensions]}. */
    public Tensor nonzero() {
        return new Tensor(value.nonzero());
    }

    /** For each of {@code values} the first index of this ascending last dimension whose element is not smaller. */
    public Tensor searchSorted(Tensor values) {
        return new Tensor(torch.searchsorted(value, values.value));
    }

    // ---- neural network -----------------------------------------------------------------------------------------

    public Tensor matrixProduct(Tensor other) {
        return new Tensor(value.matmul(other.value));
    }

    /** {@code this x weight^T}: weight is {@code [out, in]}. */
    public Tensor linear(Tensor weight) {
        return new Tensor(torch.linear(value, weight.value));
    }

    public Tensor linear(Tensor weight, Tensor bias) {
        return new Tensor(torch.linear(value, weight.value, new TensorOptional(bias.value)));
    }

    /** The transpose of a matrix, a view. */
    public Tensor transposed() {
        return new Tensor(value.t());
    }

    /** Rows {@code ids} of {@code weight}. */
    public static Tensor embedding(Tensor weight, Tensor ids) {
        return new Tensor(torch.embedding(weight.value, ids.value));
    }

    /** {@code x / sqrt(mean(x^2) + epsilon) * weight} over the last dimension. */
    public Tensor rmsNorm(Tensor weight, double epsilon) {
        return new Tensor(torch.rms_norm(
                value, weight.value.shape(), new TensorOptional(weight.value), new DoubleOptional(epsilon)));
    }

    /**
     * Attention {@code softmax(q k^T / sqrt(d) + mask) v}.
     *
     * @param query {@code [batch, heads, queries, d]}
     * @param key {@code [batch, heads, keys, d]}
     * @param mask additive, of the query's type, broadcast to {@code [batch, heads, queries, keys]}; or null
     * @param causal whether query i sees keys 0..i only; excludes a mask
     */
    public static Tensor attention(Tensor query, Tensor key, Tensor value, @Nullable Tensor mask, boolean causal) {
        return new Tensor(torch.scaled_dot_product_attention(
                query.value,
                key.value,
                value.value,
                mask == null ? NO_TENSOR : new TensorOptional(mask.value),
                0.0,
                causal,
                NO_DOUBLE,
                false));
    }

    @Override
    public String toString() {
        return value.isNull() ? "Tensor(closed)" : "Tensor(" + type() + " " + Arrays.toString(shape()) + ")";
    }
}
