package org.minpro.text.jinja;

import java.time.LocalDateTime;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A parsed chat template, rendered as transformers renders it with jinja2.
 *
 * <p>Beside the variables given, a template has {@code range}, {@code dict}, {@code namespace}, {@code raise_exception} and
 * {@code strftime_now}. What jinja2 has and chat templates do not use is refused by name: template inheritance and
 * includes, and the filters and tests that are not in the tables of {@code Filters} and {@code Tests}. A template is
 * immutable and may render on several threads at once.
 */
public final class JinjaTemplate {
    private final List<Statement> statements;
    private final IdentityHashMap<List<Statement>, List<String>> hidden;

    private JinjaTemplate(List<Statement> statements) {
        this.statements = statements;
        this.hidden = Names.hidden(statements);
    }

    /**
     * Parses a template.
     *
     * @throws JinjaException if it is no template, with the line
     */
    public static JinjaTemplate parse(String source) {
        try {
            return new JinjaTemplate(Parser.parse(source));
        } catch (StackOverflowError e) {
            throw JinjaException.of("a template must not be nested so deeply");
        }
    }

    /**
     * Renders the template.
     *
     * @param variables null, texts, numbers, booleans, lists and maps of these, by name
     * @param now what {@code strftime_now} formats
     * @throws JinjaException if the template fails, calls {@code raise_exception}, or takes too many steps
     */
    public String render(Map<String, ? extends @Nullable Object> variables, LocalDateTime now) {
        Scope scope = new Scope(null);
        scope.set("range", (Callable) Interpreter::range);
        scope.set("dict", (Callable) Interpreter::dict);
        scope.set("namespace", (Callable) Interpreter::namespace);
        scope.set("raise_exception", (Callable) arguments -> {
            throw JinjaException.of(
                    Values.text(arguments.bind("raise_exception", "message").get(0)));
        });
        scope.set("strftime_now", (Callable) arguments ->
                DateFormat.format(arguments.bind("strftime_now", "format").string(0), now));
        try {
            variables.forEach((name, value) -> scope.set(name, Values.fromJava(value)));
            Interpreter interpreter = new Interpreter(hidden);
            return interpreter.render(statements, interpreter.enter(statements, scope));
        } catch (StackOverflowError e) {
            throw JinjaException.of("a template must not call itself or nest its values so deeply");
        }
    }
}
