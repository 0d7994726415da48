package org.minpro.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.minpro.model.SafetensorsHeader.Entry;
import org.minpro.tensor.DType;

class SafetensorsHeaderTest {
    private static final Path FILE = Path.of("model.safetensors");

    @TempDir
    Path folder;

    private static SafetensorsHeader parse(String json, long dataBytes) {
        return SafetensorsHeader.parse(FILE, json.replace('\'', '"').getBytes(StandardCharsets.UTF_8), dataBytes);
    }

    private SafetensorsHeader read(byte[] bytes) throws Exception {
        Path file = folder.resolve("model.safetensors");
        Files.write(file, bytes);
        try (FileChannel channel = FileChannel.open(file)) {
            return SafetensorsHeader.read(file, channel);
        }
    }

    private static byte[] file(String json, int dataBytes) {
        byte[] header = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + header.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
    }

    @Test
    void readsNamesTypesShapesAndPlacesInAnyOrder() throws Exception {
        SafetensorsHeader header = read(file(
                "{'b':{'dtype':'BF16','shape':[3],'data_offsets':[16,22]},'__metadata__':{'format':'pt'},"
                        + "'a':{'data_offsets':[0,16],'shape':[2,2],'dtype':'F32'},"
                        + "'empty':{'dtype':'F64','shape':[0,5],'data_offsets':[16,16]},"
                        + "'scalar':{'dtype':'I64','shape':[],'data_offsets':[22,30]}}   ",
                30));
        assertThat(header.tensors().keySet()).containsExactly("b", "a", "empty", "scalar");
        assertThat(header.tensors().get("a")).isEqualTo(new Entry(DType.F32, List.of(2L, 2L), 0, 16));
        assertThat(header.tensors().get("scalar")).isEqualTo(new Entry(DType.I64, List.of(), 22, 30));
        assertThat(header.metadata()).isEqualTo(Map.of("format", "pt"));
        assertThat(header.dataStart()).isEqualTo(Files.size(folder.resolve("model.safetensors")) - 30);
    }

    @Test
    void readsEveryElementType() {
        for (DType dtype : DType.values()) {
            int bytes = 3 * dtype.bytes();
            assertThat(parse("{'a':{'dtype':'" + dtype + "','shape':[3],'data_offsets':[0," + bytes + "]}}", bytes)
                            .tensors()
                            .get("a"))
                    .isEqualTo(new Entry(dtype, List.of(3L), 0, bytes));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}|12|tensor b: overlaps another tensor: it begins at 4, the tensor before it ends at 8",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}|8|tensor b: overlaps another tensor",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[1],'data_offsets':[12,16]}|16|tensor b: must follow without a gap",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}|12|tensor a: must follow without a gap",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}|12|tensors must fill the file, got: 4 bytes behind the last one",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}|7|tensor a: the file is truncated: it ends at 8, the file has 7 bytes of tensors; fetch or copy the file again",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'a':{'dtype':'F32','shape':[1],'data_offsets':[8,12]}|12|tensor names must differ, got twice: a",
                "'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}|8|tensor a: must have as many bytes as F32 [3] takes, got: 8",
                "'a':{'dtype':'F32','shape':[4294967296,4294967296],'data_offsets':[0,0]}|0|tensor a: must have as many bytes as F32 [4294967296, 4294967296] takes, got: 0",
                "'a':{'dtype':'F32','shape':[9223372036854775807],'data_offsets':[0,8]}|8|tensor a: must have as many bytes as F32",
                "'a':{'dtype':'F32','shape':[92233720368547758070],'data_offsets':[0,8]}|8|tensor a: shape must be a list of 64-bit integers",
                "'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}|8|tensor a: shape must be a list of 64-bit integers that are not negative",
                "'a':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}|8|tensor a: shape must be a list of 64-bit integers",
                "'a':{'dtype':'F32','shape':2,'data_offsets':[0,8]}|8|tensor a: shape must be a list of 64-bit integers",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}|8|tensor a: data_offsets must be [begin, end] with begin <= end, got: [8, 0]",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[0]}|8|tensor a: data_offsets must be [begin, end]",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[-8,0]}|8|tensor a: data_offsets must be a list of 64-bit integers that are not negative",
                "'a':{'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]}|8|tensor a: dtype must be one of [F64, F32, F16, BF16, I64, I32, U8, BOOL], got: F8_E4M3",
                "'a':{'dtype':4,'shape':[2],'data_offsets':[0,8]}|8|tensor a: dtype must be a string",
                "'a':{'shape':[2],'data_offsets':[0,8]}|8|tensor a: must have dtype, shape and data_offsets",
                "'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8],'x':1}|8|tensor a: keys must be dtype, shape and data_offsets, got: x",
                "'a':{'dtype':'F32','dtype':'F32','shape':[2],'data_offsets':[0,8]}|8|tensor a: keys must differ, got twice: dtype",
                "'a':[1]|8|tensor a: must be an object",
                "'__metadata__':{'format':1}|0|__metadata__ must map strings to strings",
                "'__metadata__':{'a':'1','a':'2'}|0|__metadata__ keys must differ, got twice: a",
            })
    void refusesWhatContradictsTheFormat(String entries, long dataBytes, String message) {
        assertThatThrownBy(() -> parse("{" + entries + "}", dataBytes))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith(FILE + ": " + message);
    }

    @Test
    void refusesHeadersThatAreNotOneObject() {
        for (String json : List.of(" {}", "[]", "{", "{}{}", "{'a':", "{'a':{'dtype'", "{}x", "{'a':{}")) {
            assertThatThrownBy(() -> parse(json, 0)).as(json).isInstanceOf(ModelFormatException.class);
        }
    }

    @Test
    void refusesHeaderLengthsThatCannotBe() {
        for (long length : new long[] {0, 1, SafetensorsHeader.MAX_BYTES + 1, -1, Long.MIN_VALUE}) {
            byte[] bytes = file("{}", 0);
            ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
            assertThatThrownBy(() -> read(bytes))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining(
                            "header length must be from 2 to 100000000 bytes, got: " + Long.toUnsignedString(length));
        }
    }

    @Test
    void refusesAFileCutAtAnyPlace() {
        byte[] whole = file("{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 8);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> read(cut)).as("%d bytes", length).isInstanceOf(ModelFormatException.class);
        }
    }

    @Test
    void saysWhatAGitLfsPointerIs() {
        byte[] pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n".getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> read(pointer)).hasMessageContaining("Git LFS pointer");
    }

    @Test
    void damageNeverEscapesAsAnotherError() {
        String json = "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'BF16','shape':[2,1],"
                + "'data_offsets':[8,12]},'__metadata__':{'format':'pt'}}";
        byte[] whole = file(json, 12);
        Random random = new Random(20260101);
        int accepted = 0;
        for (int trial = 0; trial < 3000; trial++) {
            byte[] damaged = whole.clone();
            for (int i = 0; i <= random.nextInt(3); i++) {
                damaged[8 + random.nextInt(json.length())] = (byte) random.nextInt(256);
            }
            try {
                SafetensorsHeader.parse(FILE, Arrays.copyOfRange(damaged, 8, 8 + json.length()), 12);
                accepted++;
            } catch (ModelFormatException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
            }
        }
        // Damage within a name or a shape's equivalent goes unseen; most is not of that kind.
        assertThat(accepted).isLessThan(1000);
    }

    @Test
    void placesWiderElementsFirstSoThatEachIsAligned() {
        SequencedMap<String, Entry> shapes = new LinkedHashMap<>();
        shapes.put("flag", new Entry(DType.BOOL, List.of(3L), 0, 0));
        shapes.put("half", new Entry(DType.BF16, List.of(5L), 0, 0));
        shapes.put("first", new Entry(DType.F32, List.of(1L), 0, 0));
        shapes.put("second", new Entry(DType.F32, List.of(2L), 0, 0));
        SafetensorsHeader header = SafetensorsHeader.layOut(shapes, Map.of("format", "pt"));
        assertThat(header.tensors().keySet()).containsExactly("first", "second", "half", "flag");
        assertThat(header.dataStart() % 8).isZero();
        header.tensors()
                .values()
                .forEach(e -> assertThat(e.begin() % e.dtype().bytes()).isZero());
    }

    @Test
    void readsBackWhatItWrites() throws Exception {
        SequencedMap<String, Entry> shapes = new LinkedHashMap<>();
        shapes.put("a \"quoted\" name", new Entry(DType.I32, List.of(2L, 3L), 0, 0));
        shapes.put("scalar", new Entry(DType.F64, List.of(), 0, 0));
        SafetensorsHeader written = SafetensorsHeader.layOut(shapes, Map.of("format", "pt"));
        byte[] bytes = written.bytes();
        assertThat(read(Arrays.copyOf(bytes, bytes.length + 32))).isEqualTo(written);
    }
}
