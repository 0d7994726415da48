package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Random;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.minpro.tensor.DType;
import org.minpro.tensor.Device;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

class SafetensorsFileTest {
    @TempDir
    Path folder;

    private static SequencedMap<String, Tensor> everyType() {
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        Random random = new Random(4);
        for (DType dtype : DType.values()) {
            byte[] bytes = new byte[6 * dtype.bytes()];
            random.nextBytes(bytes);
            if (dtype == DType.BOOL) {
                for (int i = 0; i < bytes.length; i++) {
                    bytes[i] &= 1;
                }
            }
            tensors.put(dtype.name(), Tensor.fromBytes(Device.CPU, ByteBuffer.wrap(bytes), dtype, 2, 3));
        }
        tensors.put("scalar", Tensor.zeros(Device.CPU, DType.F32));
        tensors.put("empty", Tensor.zeros(Device.CPU, DType.F32, 0, 4));
        return tensors;
    }

    @Test
    void readsTheBytesThatItWroteOfEveryElementType() {
        Path path = folder.resolve("a.safetensors");
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> tensors = everyType();
            SafetensorsFile.write(path, tensors);
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                assertThat(file.header().tensors().keySet()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
                assertThat(file.header().metadata()).containsEntry("format", "pt");
                tensors.forEach((name, tensor) -> {
                    Tensor read = file.read(name);
                    assertThat(read.type()).isEqualTo(tensor.type());
                    assertThat(read.shape()).isEqualTo(tensor.shape());
                    assertThat(read.bytes()).as(name).isEqualTo(tensor.bytes());
                });
            }
        }
    }

    @Test
    void theSameTensorsGiveTheSameBytesAndNoTemporaryFileStays() throws Exception {
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> tensors = everyType();
            SafetensorsFile.write(folder.resolve("a.safetensors"), tensors);
            SafetensorsFile.write(folder.resolve("b.safetensors"), tensors);
        }
        assertThat(Files.mismatch(folder.resolve("a.safetensors"), folder.resolve("b.safetensors")))
                .isEqualTo(-1);
        try (var files = Files.list(folder)) {
            assertThat(files.map(f -> f.getFileName().toString()))
                    .containsExactlyInAnyOrder("a.safetensors", "b.safetensors");
        }
    }

    @Test
    void writesTheLayoutOfTheFormat() throws Exception {
        Path path = folder.resolve("a.safetensors");
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("x", Tensor.of(Device.CPU, new float[] {1, -2}, 1, 2));
            SafetensorsFile.write(path, tensors);
        }
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        int length = (int) bytes.getLong();
        byte[] json = new byte[length];
        bytes.get(json);
        assertThat(new String(json, StandardCharsets.UTF_8).stripTrailing())
                .isEqualTo("{\"__metadata__\":{\"format\":\"pt\"},"
                        + "\"x\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}");
        assertThat(bytes.getFloat()).isEqualTo(1);
        assertThat(bytes.getFloat()).isEqualTo(-2);
        assertThat(bytes.hasRemaining()).isFalse();
    }

    @Test
    void writesViewsInRowMajorOrder() {
        Path path = folder.resolve("a.safetensors");
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put(
                    "x",
                    Tensor.of(Device.CPU, new float[] {1, 2, 3, 4, 5, 6}, 2, 3).transpose(0, 1));
            SafetensorsFile.write(path, tensors);
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                assertThat(file.read("x").shape()).containsExactly(3, 2);
                assertThat(file.read("x").floats()).containsExactly(1, 4, 2, 5, 3, 6);
            }
        }
    }

    @Test
    void readsTensorsLargerThanItsBufferInPieces() {
        Path path = folder.resolve("a.safetensors");
        int count = (4 << 20) / 2 + 12345;
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = i % 251 - 125;
        }
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("x", Tensor.of(Device.CPU, values).to(DType.BF16));
            SafetensorsFile.write(path, tensors);
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                Tensor wide = Tensor.empty(Device.CPU, DType.F32, count);
                file.readInto("x", 0, wide);
                assertThat(Arrays.equals(wide.floats(), values)).isTrue();
                Tensor part = Tensor.empty(Device.CPU, DType.F64, 10);
                file.readInto("x", count - 10L, part);
                assertThat(part.floats()).containsExactly(Arrays.copyOfRange(values, count - 10, count));
                assertThatThrownBy(() -> file.readInto("x", count - 9L, part))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void aFileShortenedAfterOpeningIsNoticed() throws Exception {
        Path path = folder.resolve("a.safetensors");
        try (Scope scope = Scope.open()) {
            SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("x", Tensor.ones(Device.CPU, DType.F32, 100));
            SafetensorsFile.write(path, tensors);
            try (SafetensorsFile file = SafetensorsFile.open(path)) {
                byte[] bytes = Files.readAllBytes(path);
                Files.write(path, Arrays.copyOf(bytes, bytes.length - 4));
                assertThatThrownBy(() -> file.read("x"))
                        .isInstanceOf(ModelFormatException.class)
                        .hasMessageContaining("shortened");
            }
        }
    }

    @Test
    void aMissingFileIsNamed() {
        Path path = folder.resolve("none.safetensors");
        assertThatThrownBy(() -> SafetensorsFile.open(path))
                .isInstanceOf(ModelFormatException.class)
                .hasMessage(path + ": file not found");
    }
}
