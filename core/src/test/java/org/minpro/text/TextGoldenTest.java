package org.minpro.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Against bench/goldens/text_tokenizers.py: ids, decoded texts and chats of real models as transformers makes them. */
class TextGoldenTest {
    private static final String FETCHED = "MINPRO_TEXT_GOLDENS";

    @TempDir
    static Path folder;

    private static final List<Tokenizer> OPEN = new ArrayList<>();

    @AfterAll
    static void close() {
        OPEN.forEach(Tokenizer::close);
    }

    static Path smolLm2() throws IOException {
        Path target = Files.createDirectories(folder.resolve("smollm2"));
        for (String name : List.of("tokenizer_config.json", "chat_template.jinja", "ids.json", "chat.json")) {
            copy("smollm2/" + name, target.resolve(name));
        }
        unpackTokenizer(target);
        return target;
    }

    static void unpackTokenizer(Path target) throws IOException {
        try (InputStream in = new GZIPInputStream(resource("smollm2/tokenizer.json.gz"))) {
            Files.write(target.resolve("tokenizer.json"), in.readAllBytes());
        }
    }

    private static void copy(String name, Path target) throws IOException {
        try (InputStream in = resource(name)) {
            Files.write(target, in.readAllBytes());
        }
    }

    static InputStream resource(String name) {
        InputStream in = TextGoldenTest.class.getResourceAsStream("/text/" + name);
        assertThat(in).as(name).isNotNull();
        return in;
    }

    @TestFactory
    Stream<DynamicTest> smolLm2EncodesAndDecodesAsTransformers() throws IOException {
        return ids(smolLm2(), "");
    }

    @TestFactory
    Stream<DynamicTest> smolLm2ChatsAsTransformers() throws IOException {
        return chats(smolLm2(), "");
    }

    @TestFactory
    Stream<DynamicTest> qwen3ChatsAsTransformers() throws IOException {
        Path target = Files.createDirectories(folder.resolve("qwen3"));
        for (String name : List.of("tokenizer_config.json", "chat.json")) {
            copy("qwen3/" + name, target.resolve(name));
        }
        return chats(target, "");
    }

    @Test
    void qwen3EncodesAndDecodesAsTransformers() throws IOException {
        Path tokenizer = fetched().resolve("qwen3").resolve("tokenizer.json");
        assumeTrue(
                Files.exists(tokenizer),
                "skipped: Qwen3's tokenizer.json is fetched by bench/goldens/text_tokenizers.py, see there");
        Path target = Files.createDirectories(folder.resolve("qwen3-ids"));
        Files.copy(tokenizer, target.resolve("tokenizer.json"));
        copy("qwen3/ids.json", target.resolve("ids.json"));
        ids(target, "").forEach(TextGoldenTest::execute);
    }

    @TestFactory
    Stream<DynamicTest> fetchedTokenizersDoAsTransformers() throws IOException {
        Path fetched = fetched();
        assumeTrue(
                Files.isDirectory(fetched),
                "skipped: tokenizers that are not committed are fetched by bench/goldens/text_tokenizers.py into "
                        + FETCHED);
        try (Stream<Path> folders = Files.list(fetched)) {
            return folders.sorted().toList().stream().flatMap(each -> {
                String name = each.getFileName() + ": ";
                return Stream.concat(ids(each, name), chats(each, name));
            });
        }
    }

    private static Path fetched() {
        String given = System.getenv(FETCHED);
        return Path.of(given == null ? "not-fetched" : given);
    }

    private static void execute(DynamicTest test) {
        try {
            test.getExecutable().execute();
        } catch (Throwable e) {
            throw new AssertionError(test.getDisplayName(), e);
        }
    }

    private static Stream<DynamicTest> ids(Path model, String prefix) {
        JsonNode goldens = JsonMapper.shared().readTree(model.resolve("ids.json"));
        assertThat(goldens.get("texts").size()).isGreaterThan(30);
        Tokenizer tokenizer = Tokenizer.load(model);
        OPEN.add(tokenizer);
        Stream<DynamicTest> whole = Stream.of(DynamicTest.dynamicTest(prefix + "vocabulary", () -> {
            assertThat(tokenizer.vocabularySize()).isEqualTo(goldens.get("size").intValue());
            assertThat(tokenizer.addsBeginOfSequence())
                    .isEqualTo(goldens.get("adds_begin_of_sequence").booleanValue());
            for (Map.Entry<String, JsonNode> token : goldens.get("tokens").properties()) {
                if (token.getValue().isInt()) {
                    assertThat(tokenizer.id(token.getKey()))
                            .as(token.getKey())
                            .hasValue(token.getValue().intValue());
                }
            }
        }));
        Stream<DynamicTest> texts = goldens.get("texts").valueStream().map(golden -> {
            String text =
                    golden.get("text").stringValue().repeat(golden.get("copies").intValue());
            return DynamicTest.dynamicTest(prefix + title(text), () -> {
                int[] ids = tokenizer.encode(text);
                assertThat(ids).hasSize(golden.get("count").intValue());
                if (golden.has("ids")) {
                    int[] expected = golden.get("ids")
                            .valueStream()
                            .mapToInt(JsonNode::intValue)
                            .toArray();
                    assertThat(ids).isEqualTo(expected);
                    assertThat(tokenizer.decode(ids, false))
                            .isEqualTo(golden.get("decoded").stringValue());
                    assertThat(tokenizer.decode(ids, true))
                            .isEqualTo(golden.get("without_special").stringValue());
                } else {
                    assertThat(digest(ids)).isEqualTo(golden.get("sha256").stringValue());
                }
            });
        });
        return Stream.concat(whole, texts);
    }

    private static String title(String text) {
        String shown = text.length() > 40 ? text.substring(0, 40) + "…" : text;
        return "'" + shown.replaceAll("[\\p{Cntrl}\\p{Cs}]", "?") + "'";
    }

    private static String digest(int[] ids) {
        String joined = Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(","));
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(sha256.digest(joined.getBytes(StandardCharsets.US_ASCII)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Stream<DynamicTest> chats(Path model, String prefix) {
        JsonNode goldens = JsonMapper.shared().readTree(model.resolve("chat.json"));
        assertThat(goldens.get("chats").size()).isGreaterThan(30);
        LocalDate today = LocalDate.parse(goldens.get("today").stringValue());
        if (goldens.get("chats").valueStream().noneMatch(golden -> golden.has("text"))) {
            return Stream.of(DynamicTest.dynamicTest(
                    prefix + "no chat template",
                    () -> assertThat(ChatTemplate.find(model, today)).isEmpty()));
        }
        ChatTemplate template = ChatTemplate.load(model, today);
        int[] number = {0};
        return goldens.get("chats")
                .valueStream()
                .map(golden -> DynamicTest.dynamicTest(prefix + "chat " + number[0]++, () -> {
                    JsonMapper mapper = JsonMapper.shared();
                    List<Map<String, Object>> messages = mapper.treeToValue(golden.get("messages"), List.class);
                    List<Map<String, Object>> tools =
                            golden.get("tools").isNull() ? null : mapper.treeToValue(golden.get("tools"), List.class);
                    boolean prompt = golden.get("add_generation_prompt").booleanValue();
                    Map<String, Object> variables = mapper.treeToValue(golden.get("template_variables"), Map.class);
                    if (golden.has("text")) {
                        assertThat(template.render(messages, tools, prompt, variables))
                                .isEqualTo(golden.get("text").stringValue());
                    } else {
                        String message = golden.get("message").stringValue();
                        assertThatThrownBy(() -> template.render(messages, tools, prompt, variables))
                                .isInstanceOf(TextException.class)
                                .hasMessageContaining("line ")
                                .hasMessageContaining(message);
                    }
                }));
    }
}
