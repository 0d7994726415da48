package org.minpro.model;

import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * Cosines and sines of the rotary position embedding, {@code [positions, headDim]}: the half table twice, as the rotation
 * of halves wants it, the first half of the sines negated. YaRN multiplies both by its attention factor.
 *
 * <p>Frequencies and angles are rounded to float32 where transformers rounds them, so that long texts agree.
 */
final class RotaryTable implements AutoCloseable {
    private final float[] frequencies;
    private final double factor;
    private final Device device;
    private final DType type;
    private Tensor cosines;
    private Tensor sines;

    RotaryTable(ModelConfig config, Device device, DType type, int positions) {
        this.frequencies = frequencies(config);
        this.factor = config.ropeScaling() instanceof ModelConfig.RopeScaling.Yarn yarn ? yarn.attentionFactor() : 1;
        this.device = device;
        this.type = type;
        Tensor[] tables = tables(positions);
        cosines = tables[0];
        sines = tables[1];
    }

    /** {@code f_i = theta^(-2i/d)}, scaled as the configuration says. */
    static float[] frequencies(ModelConfig config) {
        int half = config.headDim() / 2;
        float[] frequencies = new float[half];
        for (int i = 0; i < half; i++) {
            float exponent = (float) (2 * i) / config.headDim();
            float frequency = (float) (1.0 / Math.pow(config.ropeTheta(), exponent));
            frequencies[i] = switch (config.ropeScaling()) {
                case ModelConfig.RopeScaling.None none -> frequency;
                case ModelConfig.RopeScaling.Linear linear -> (float) (frequency / linear.factor());
                case ModelConfig.RopeScaling.Llama3 llama3 -> llama3(frequency, llama3);
                case ModelConfig.RopeScaling.Yarn yarn -> yarn(i, exponent, config, yarn);
            };
        }
        return frequencies;
    }

    private static float llama3(float frequency, ModelConfig.RopeScaling.Llama3 scaling) {
        double wavelength = 2 * Math.PI / frequency;
        double context = scaling.originalMaxPositions();
        if (wavelength < context / scaling.highFrequencyFactor()) {
            return frequency;
        }
        if (wavelength > context / scaling.lowFrequencyFactor()) {
            return (float) (frequency / scaling.factor());
        }
        double smooth = (context / wavelength - scaling.lowFrequencyFactor())
                / (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
        return (float) ((1 - smooth) * frequency / scaling.factor() + smooth * frequency);
    }

    private static float yarn(int i, float exponent, ModelConfig config, ModelConfig.RopeScaling.Yarn scaling) {
        double low = place(scaling.betaFast(), config, scaling);
        double high = place(scaling.betaSlow(), config, scaling);
        if (scaling.truncate()) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, config.headDim() - 1);
        // No division by 0 where the two meet.
        float width = (float) (low == high ? 0.001 : high - low);
        float interpolated = Math.clamp((i - (float) low) / width, 0, 1);
        float period = (float) Math.pow(config.ropeTheta(), exponent);
        return 1 / ((float) scaling.factor() * period) * interpolated + 1 / period * (1 - interpolated);
    }

    /** Which pair turns so many times over the original length: {@code d(r)} of {@link ModelConfig.RopeScaling.Yarn}. */
    private static double place(double turns, ModelConfig config, ModelConfig.RopeScaling.Yarn scaling) {
        return config.headDim()
                * Math.log(scaling.originalMaxPositions() / (turns * 2 * Math.PI))
                / (2 * Math.log(config.ropeTheta()));
    }

    Tensor[] tables(int positions) {
        int half = frequencies.length;
        double[] cosine = new double[positions * 2 * half];
        double[] sine = new double[positions * 2 * half];
        for (int position = 0; position < positions; position++) {
            for (int i = 0; i < half; i++) {
                float angle = position * frequencies[i];
                int at = position * 2 * half + i;
                cosine[at] = cosine[at + half] = factor * Math.cos(angle);
                sine[at + half] = factor * Math.sin(angle);
                sine[at] = -sine[at + half];
            }
        }
        try (Scope scope = Scope.open()) {
            return new Tensor[] {
                Tensor.of(device, cosine, positions, 2L * half).to(type).retain(),
                Tensor.of(device, sine, positions, 2L * half).to(type).retain()
            };
        }
    }

    /** Both tables for these positions, each {@code [tokens, 1, headDim]}. */
    synchronized Tensor[] at(Tensor positions, long highest) {
        if (highest >= cosines.size(0)) {
            int size = Math.toIntExact(Long.highestOneBit(highest) * 2);
            Tensor[] larger = tables(size);
            close();
            cosines = larger[0];
            sines = larger[1];
        }
        return new Tensor[] {
            cosines.indexSelect(0, positions).unsqueeze(1),
            sines.indexSelect(0, positions).unsqueeze(1)
        };
    }

    @Override
    public void close() {
        cosines.close();
        sines.close();
    }
}
