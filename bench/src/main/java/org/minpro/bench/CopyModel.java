package org.minpro.bench;

import java.nio.file.Path;
import java.util.SequencedMap;
import org.minpro.model.HuggingFaceReader;
import org.minpro.model.HuggingFaceWriter;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Tensor;

/**
 * Loads a Hugging Face folder and saves it: once as {@code OUT/saved}, the way a trained model is saved beside what it
 * came from, and once as {@code OUT/written}, the way a new model is. {@code goldens/model_round_trip.py} opens both.
 */
public final class CopyModel {
    private CopyModel() {}

    public static void main(String[] arguments) {
        if (arguments.length != 2) {
            System.err.println("usage: CopyModel FOLDER OUT");
            System.exit(2);
        }
        HuggingFaceReader source = HuggingFaceReader.open(arguments[0]);
        Path out = Path.of(arguments[1]);
        SequencedMap<String, Tensor> parameters = source.load(Device.CPU, DType.F32);
        HuggingFaceWriter.writeLike(source, out.resolve("saved"), parameters);
        HuggingFaceWriter.write(out.resolve("written"), source.config(), parameters);
        parameters.values().forEach(Tensor::close);
    }
}
