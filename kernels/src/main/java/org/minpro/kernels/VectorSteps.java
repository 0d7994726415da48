package org.minpro.kernels;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.minpro.model.AttentionHeads;
import org.minpro.model.BlockAttention;
import org.minpro.model.ExpertChoice;
import org.minpro.model.Kernels;
import org.minpro.model.KeyValueCache;
import org.minpro.model.LanguageHead;
import org.minpro.model.ModelConfig;
import org.minpro.model.ModelSteps;
import org.minpro.model.OneDnnMatrix;
import org.minpro.model.PackedMatrix;
import org.minpro.model.Parameter;
import org.minpro.model.TokenBlock;
import org.minpro.model.WeightGradients;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/** A model's steps by the kernels of this package, over libtorch's memory. */
final class VectorSteps implements ModelSteps {
    private final ModelConfig config;
    private final Device device;
    private final DType type;
    private final boolean half;
    private final boolean rowsAlone;
    /** What these steps leave to it changes no log-probability. */
    private final ModelSteps libtorch;

    /**
     * @param type of the model: float32 or bfloat16
     * @param rowsAlone whether products give a row the same bits beside any others on this machine
     */
    VectorSteps(ModelConfig config, Device device, DType type, boolean rowsAlone) {
        this.rowsAlone = rowsAlone;
        this.config = config;
        this.device = device;
        this.type = type;
        half = type == DType.BF16;
        libtorch = Kernels.libtorch(config, device, type);
    }

    @Override
    public Tensor norm(Tensor x, Parameter weight, double epsilon) {
        long rows = x.size(0);
        long width = x.size(1);
        Tensor given = TensorMemory.dense("x", x, type, rows, width);
        Tensor y = Tensor.empty(device, type, rows, width);
        RmsNorm.norm(
                half,
                given.address(),
                weight(weight, width),
                y.address(),
                Math.toIntExact(rows),
                Math.toIntExact(width),
                (float) epsilon);
        return y;
    }

    @Override
    public Sum addNorm(Tensor x, Tensor delta, Parameter weight, double epsilon) {
        long rows = x.size(0);
        long width = x.size(1);
        Tensor given = TensorMemory.dense("x", x, type, rows, width);
        Tensor sum = TensorMemory.dense("delta", delta, type, rows, width);
        Tensor y = Tensor.empty(device, type, rows, width);
        RmsNorm.addNorm(
                half,
                given.address(),
                sum.address(),
                weight(weight, width),
                sum.address(),
                y.address(),
                Math.toIntExact(rows),
                Math.toIntExact(width),
                (float) epsilon);
        return new Sum(sum, y);
    }

    @Override
    public Tensor normBackward(
            Tensor x,
            Parameter weight,
            double epsilon,
            Tensor upstream,
            @Nullable Tensor passedOn,
            WeightGradients gradients) {
        long rows = x.size(0);
        long width = x.size(1);
        Tensor given = TensorMemory.dense("x", x, type, rows, width);
        Tensor up = TensorMemory.dense("upstream", upstream, type, rows, width);
        Tensor beside = passedOn == null ? null : TensorMemory.dense("passed on", passedOn, type, rows, width);
        Tensor result = Tensor.empty(device, type, rows, width);
        RmsNorm.normBack(
                half,
                given.address(),
                weight(weight, width),
                up.address(),
                beside == null ? 0 : beside.address(),
                result.address(),
                sum(weight, gradients, width),
                Math.toIntExact(rows),
                Math.toIntExact(width),
                (float) epsilon);
        return result;
    }

    private long weight(Parameter weight, long width) {
        return TensorMemory.dense(weight.name(), weight.tensor(), type, width).address();
    }

    /** Where a weight's gradient is added up; 0 for a weight that is not trained. */
    private static long sum(Parameter weight, WeightGradients gradients, long width) {
        return weight.trainable()
                ? TensorMemory.dense(weight.name(), gradients.sum(weight.name()), DType.F32, width)
                        .address()
                : 0;
    }

    @Override
    public Tensor gate(Tensor gateUp) {
        long rows = gateUp.size(0);
        long width = gateUp.size(1) / 2;
        Tensor given = TensorMemory.dense("gates", gateUp, type, rows, 2 * width);
        Tensor y = Tensor.empty(device, type, rows, width);
        SwiGlu.gate(half, given.address(), y.address(), Math.toIntExact(rows), Math.toIntExact(width));
        return y;
    }

    @Override
    public Tensor gateBackward(Tensor gateUp, Tensor upstream) {
        long rows = gateUp.size(0);
        long width = gateUp.size(1) / 2;
        Tensor given = TensorMemory.dense("gates", gateUp, type, rows, 2 * width);
        Tensor up = TensorMemory.dense("upstream", upstream, type, rows, width);
        Tensor result = Tensor.empty(device, type, rows, 2 * width);
        SwiGlu.gateBack(
                half, given.address(), up.address(), result.address(), Math.toIntExact(rows), Math.toIntExact(width));
        return result;
    }

    @Override
    public Tensor[] rotate(Tensor projected, AttentionHeads heads, Tensor[] rotation) {
        long tokens = projected.size(0);
        Tensor given = TensorMemory.dense("projections", projected, type, tokens, heads.width());
        Tensor[] queryKeyValue = empty(heads, tokens);
        Rotation.rotate(
                half,
                given.address(),
                table(heads, rotation[0], tokens),
                table(heads, rotation[1], tokens),
                norm(heads.queryNorm(), heads),
                norm(heads.keyNorm(), heads),
                (float) heads.epsilon(),
                queryKeyValue[0].address(),
                queryKeyValue[1].address(),
                queryKeyValue[2].address(),
                Math.toIntExact(tokens),
                heads.heads(),
                heads.keyValueHeads(),
                heads.headDim());
        return queryKeyValue;
    }

    @Override
    public Tensor rotateBackward(
            Tensor projected, AttentionHeads heads, Tensor[] rotation, Upstream upstream, WeightGradients gradients) {
        long tokens = projected.size(0);
        Tensor given = TensorMemory.dense("projections", projected, type, tokens, heads.width());
        Tensor[] up = upstream.of(rotate(projected, heads, rotation));
        Tensor result = Tensor.empty(device, type, tokens, heads.width());
        Rotation.rotateBack(
                half,
                given.address(),
                table(heads, rotation[0], tokens),
                table(heads, rotation[1], tokens),
                norm(heads.queryNorm(), heads),
                norm(heads.keyNorm(), heads),
                (float) heads.epsilon(),
                head("queries' gradient", up[0], tokens, heads.heads(), heads),
                head("keys' gradient", up[1], tokens, heads.keyValueHeads(), heads),
                head("values' gradient", up[2], tokens, heads.keyValueHeads(), heads),
                result.address(),
                heads.queryNorm() == null ? 0 : sum(heads.queryNorm(), gradients, heads.headDim()),
                heads.keyNorm() == null ? 0 : sum(heads.keyNorm(), gradients, heads.headDim()),
                Math.toIntExact(tokens),
                heads.heads(),
                heads.keyValueHeads(),
                heads.headDim());
        return result;
    }

    private Tensor[] empty(AttentionHeads heads, long tokens) {
        return new Tensor[] {
            Tensor.empty(device, DType.F32, tokens, heads.heads(), heads.headDim()),
            Tensor.empty(device, DType.F32, tokens, heads.keyValueHeads(), heads.headDim()),
            Tensor.empty(device, DType.F32, tokens, heads.keyValueHeads(), heads.headDim())
        };
    }

    private static long table(AttentionHeads heads, Tensor table, long tokens) {
        return heads.rotates()
                ? TensorMemory.dense("rotation", table, DType.F32, tokens, 1, heads.headDim())
                        .address()
                : 0;
    }

    private long norm(@Nullable Parameter norm, AttentionHeads heads) {
        return norm == null ? 0 : weight(norm, heads.headDim());
    }

    private static long head(String name, Tensor x, long tokens, long count, AttentionHeads heads) {
        return TensorMemory.dense(name, x, DType.F32, tokens, count, heads.headDim())
                .address();
    }

    @Override
    public ExpertChoice choose(Tensor logits, ModelConfig.Moe moe) {
        return new VectorChoice(logits, type, moe);
    }

    @Override
    public BlockAttention attention(List<TokenBlock.Sequence> sequences) {
        return new VectorAttention(config, sequences);
    }

    @Override
    public KeyValueCache cache(int slots, int capacity, int newTokens) {
        return new BlockCache(config, device, type, slots, capacity, newTokens);
    }

    @Override
    public LanguageHead.Result logProbs(Tensor logits, double temperature, Tensor ids, LanguageHead.Wanted wanted) {
        long rows = logits.size(0);
        long vocabulary = logits.size(1);
        Tensor given = TensorMemory.dense("logits", logits, logits.type(), rows, vocabulary);
        Tensor logProbs = Tensor.empty(device, DType.F32, rows);
        Tensor entropies = wanted.entropy() ? Tensor.empty(device, DType.F32, rows) : null;
        TokenHead.logProbs(
                isHalf(logits),
                given.address(),
                Math.toIntExact(rows),
                Math.toIntExact(vocabulary),
                (float) temperature,
                TensorMemory.dense("ids", ids, DType.I64, rows).address(),
                logProbs.address(),
                entropies == null ? 0 : entropies.address());
        // A statistic that no log-probability depends on.
        Tensor collisions = wanted.collision()
                ? libtorch.logProbs(logits, temperature, ids, wanted).collisions()
                : null;
        return new LanguageHead.Result(logProbs, entropies, collisions);
    }

    @Override
    public void logProbsBackward(
            Tensor logits, double temperature, Tensor ids, Tensor upstream, @Nullable Tensor entropyUpstream) {
        if (entropyUpstream != null) {
            // Rare, and no log-probability depends on it.
            libtorch.logProbsBackward(logits, temperature, ids, upstream, entropyUpstream);
            return;
        }
        long rows = logits.size(0);
        TokenHead.gradient(
                isHalf(logits),
                TensorMemory.written("logits", logits, logits.type(), rows, logits.size(1)),
                Math.toIntExact(rows),
                Math.toIntExact(logits.size(1)),
                (float) temperature,
                TensorMemory.dense("ids", ids, DType.I64, rows).address(),
                TensorMemory.dense("upstream", upstream.to(DType.F32), DType.F32, rows)
                        .address());
    }

    @Override
    public Drawn draw(Tensor logits, double temperature, int topK, double topP, double minP, double[] uniforms) {
        int rows = uniforms.length;
        int vocabulary = Math.toIntExact(logits.size(1));
        Tensor given = TensorMemory.dense("logits", logits, logits.type(), rows, vocabulary);
        int[] ids = new int[rows];
        float[] logProbs = new float[rows];
        float[] logKeptMass = new float[rows];
        int most = topK < vocabulary ? topK : 0;
        if (most == 0 && topP == 1 && minP == 0) {
            TokenHead.draw(
                    isHalf(logits), given.address(), rows, vocabulary, (float) temperature, uniforms, ids, logProbs);
        } else {
            TokenHead.drawTruncated(
                    isHalf(logits),
                    given.address(),
                    rows,
                    vocabulary,
                    (float) temperature,
                    most,
                    topP,
                    minP,
                    uniforms,
                    ids,
                    logProbs,
                    logKeptMass);
        }
        return new Drawn(ids, logProbs, logKeptMass);
    }

    /** Logits come in the model's type, and those that are drawn from in float32. */
    private static boolean isHalf(Tensor logits) {
        if (logits.type() != DType.F32 && logits.type() != DType.BF16) {
            throw new IllegalArgumentException("logits must be f32 or bf16, got: " + logits);
        }
        return logits.type() == DType.BF16;
    }

    @Override
    public void addGradient(Tensor sum, Tensor gradient) {
        if (!half) {
            libtorch.addGradient(sum, gradient);
            return;
        }
        // Libtorch would write all numbers in float32 first, and read them again.
        long[] shape = gradient.shape();
        long to = TensorMemory.written("sum", sum, DType.F32, shape);
        long from = TensorMemory.dense("gradient", gradient, type, shape).address();
        HalfRows.addWidened(from, to, Math.toIntExact(gradient.elements()));
    }

    @Override
    public @Nullable PackedMatrix pack(Tensor weight, int rows) {
        return packed(weight, rows);
    }

    /** Float32 by own kernels; bfloat16, for whose products Java has no instruction, by oneDNN's. */
    static @Nullable PackedMatrix packed(Tensor weight, int rows) {
        return weight.type() == DType.F32 ? new FloatMatrix(weight) : OneDnnMatrix.of(weight, rows);
    }

    @Override
    public boolean addLowRank(LowRank maps, Tensor x, Tensor y) {
        long rows = x.size(0);
        LowRankProduct.Maps own = own(maps, x.size(1), y.size(1));
        if (own == null) {
            return false;
        }
        LowRankProduct.add(
                half,
                own,
                TensorMemory.dense("x", x, type, rows, own.in()).address(),
                TensorMemory.written("y", y, type, rows, own.out()),
                Math.toIntExact(rows));
        return true;
    }

    @Override
    public @Nullable LowRankGradients lowRankBackward(LowRank maps, Tensor x, Tensor upstream, Tensor toX) {
        long rows = x.size(0);
        LowRankProduct.Maps own = own(maps, x.size(1), upstream.size(1));
        if (own == null) {
            return null;
        }
        Tensor toDown = maps.down().zerosLike();
        List<Tensor> toUps = new ArrayList<>();
        for (LowRank.Part part : maps.parts()) {
            toUps.add(Tensor.zeros(device, DType.F32, maps.rank(), part.length()));
        }
        LowRankProduct.back(
                half,
                own,
                TensorMemory.dense("x", x, type, rows, own.in()).address(),
                TensorMemory.dense("upstream", upstream, type, rows, own.out()).address(),
                TensorMemory.written("dL/dx", toX, type, rows, own.in()),
                toDown.address(),
                toUps.stream().mapToLong(Tensor::address).toArray(),
                Math.toIntExact(rows));
        return new LowRankGradients(
                toDown, toUps.stream().map(Tensor::transposed).toList());
    }

    /** The maps as the kernel is given them; null where A and B are not float32. */
    private static LowRankProduct.@Nullable Maps own(LowRank maps, long in, long out) {
        if (!(maps.packedDown() instanceof FloatMatrix down)) {
            return null;
        }
        List<LowRankProduct.Part> parts = new ArrayList<>();
        for (LowRank.Part part : maps.parts()) {
            if (!(part.packedUp() instanceof FloatMatrix up)) {
                return null;
            }
            parts.add(new LowRankProduct.Part(
                    TensorMemory.dense("B", part.up(), DType.F32, part.length(), maps.rank())
                            .address(),
                    up.address("B", part.length(), maps.rank()),
                    Math.toIntExact(part.start()),
                    Math.toIntExact(part.length())));
        }
        long narrow = (long) maps.parts().size() * maps.rank();
        return new LowRankProduct.Maps(
                Math.toIntExact(in),
                Math.toIntExact(out),
                maps.rank(),
                (float) maps.scale(),
                TensorMemory.dense("A", maps.down(), DType.F32, narrow, in).address(),
                down.address("A", narrow, in),
                parts);
    }

    @Override
    public boolean trainsPacked() {
        return true;
    }

    @Override
    public boolean rowsAlone() {
        return rowsAlone;
    }
}
