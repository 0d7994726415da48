package org.minpro.data;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which fields of a data set's rows make a {@link Problem}; each is a name, or a path with dots such as
 * {@code reward_model.ground_truth}.
 *
 * @param promptField the field with the prompt: a string, or a list of messages
 * @param template makes the prompt from all fields; null to take {@code promptField} as it is
 * @param answerField the field with the reference answer: a string, a number, a boolean, or a list of one of them
 * @param extraction how the answer is cut out of that field
 * @param idField the field that names the problem, or null to name it by a hash of its prompt
 */
public record RowMapping(
        String promptField,
        @Nullable Function<Map<String, @Nullable Object>, String> template,
        String answerField,
        AnswerExtraction extraction,
        @Nullable String idField) {
    private static final String PROMPT = "prompt";
    private static final String MESSAGES = "messages";

    /** Prompt and answer as the fields hold them. */
    public static RowMapping of(String promptField, String answerField) {
        return new RowMapping(promptField, null, answerField, AnswerExtraction.NONE, null);
    }

    public RowMapping withTemplate(Function<Map<String, @Nullable Object>, String> newTemplate) {
        return new RowMapping(promptField, newTemplate, answerField, extraction, idField);
    }

    public RowMapping withExtraction(AnswerExtraction newExtraction) {
        return new RowMapping(promptField, template, answerField, newExtraction, idField);
    }

    public RowMapping withId(String newIdField) {
        return new RowMapping(promptField, template, answerField, extraction, newIdField);
    }

    /**
     * The problem of a row.
     *
     * <p>A row without a field {@code prompt} may have its {@code messages} instead. Where they end with the assistant, that
     * turn is what the model is to write: it is left out of the prompt, and it is the reference answer where the row has no
     * {@code answerField}. With {@code continue_final_message} it stays, to be continued.
     *
     * @throws DataException names file, line and field
     */
    public Problem problem(Row row) {
        String prompt = null;
        List<Message> messages = List.of();
        Message reference = null;
        if (template != null) {
            try {
                prompt = template.apply(row.fields());
            } catch (DataException e) {
                throw e;
            } catch (IllegalArgumentException e) {
                throw new DataException(row.place() + ": " + e.getMessage(), e);
            }
        } else if (row.required(promptOf(row)) instanceof List<?>) {
            messages = row.messages(promptOf(row));
            if (endsWithReference(row)) {
                reference = messages.getLast();
                messages = messages.subList(0, messages.size() - 1);
                if (messages.isEmpty()) {
                    throw row.error("field '" + promptOf(row)
                            + "' must hold a turn before the assistant's, got: the assistant's alone");
                }
            }
        } else {
            prompt = row.string(promptField);
        }
        String answer = answer(row, reference);
        if (prompt != null && prompt.isBlank()) {
            throw row.error("the prompt must not be blank");
        }
        Problem unnamed = new Problem("", prompt, messages, answer, row.fields());
        String id = idField == null ? hash(unnamed.identity()) : scalar(row, idField, row.required(idField));
        return new Problem(id, prompt, messages, answer, row.fields());
    }

    private String promptOf(Row row) {
        return promptField.equals(PROMPT) && !row.has(PROMPT) && row.has(MESSAGES) ? MESSAGES : promptField;
    }

    /** Whether the row is a conversation whose last turn is the assistant's and is not to be continued. */
    boolean endsWithReference(Row row) {
        if (template != null || !(row.value(promptOf(row)) instanceof List<?>)) {
            return false;
        }
        Object continued = row.fields().get("continue_final_message");
        return (continued == null || continued.equals(false))
                && row.messages(promptOf(row)).getLast().role().equals("assistant");
    }

    private String answer(Row row, @Nullable Message reference) {
        String text = reference != null && !row.has(answerField)
                ? reference.content()
                : scalar(row, answerField, row.required(answerField));
        String answer = extraction.extract(text);
        if (answer == null || answer.isEmpty()) {
            throw row.error("field '" + answerField + "' must hold an answer"
                    + (extraction.after() == null ? "" : " after '" + extraction.after() + "'")
                    + (extraction.pattern() == null ? "" : " matching " + extraction.pattern())
                    + ", got: \"" + (text.length() <= 80 ? text : "..." + text.substring(text.length() - 77)) + "\"");
        }
        return answer;
    }

    private static String scalar(Row row, String field, @Nullable Object value) {
        return switch (value) {
            case String text -> text;
            case Integer integer -> integer.toString();
            case Long integer -> integer.toString();
            case BigInteger integer -> integer.toString();
            // 145.0 and 1.45E2 are the answer 145.
            case Double number ->
                new BigDecimal(number.toString()).stripTrailingZeros().toPlainString();
            case Boolean truth -> truth.toString();
            case List<?> list when list.size() == 1 -> scalar(row, field, list.getFirst());
            case null, default -> throw row.wrongKind(field, "a string, a number or a boolean", value);
        };
    }

    /** The first 16 hexadecimal digits of the SHA-256 of a text. */
    static String hash(String text) {
        return HexFormat.of().formatHex(sha256(text), 0, 8);
    }

    static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
