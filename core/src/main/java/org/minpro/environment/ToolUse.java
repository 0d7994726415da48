package org.minpro.environment;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.minpro.config.Doc;
import org.minpro.config.Rule;
import org.minpro.data.Message;
import org.minpro.data.Problem;
import org.minpro.tool.ToolCall;
import org.minpro.tool.ToolException;
import org.minpro.tool.ToolFunction;
import org.minpro.tool.Toolbox;

/**
 * Functions that the policy may call before it answers: a turn with calls is answered by their results, in messages of role
 * {@code tool}; a turn without ends the episode. What is wrong with a call is told to the policy. The recipe's reward scores the
 * last turn.
 *
 * @param tools whose functions these are
 * @param mostCalls of an episode
 * @param cost of a call
 */
public record ToolUse(
        @Doc("The toolboxes, such as [calculator]; a class that implements Toolbox can be named too.")
        List<Toolbox> tools,

        @Doc("Calls of a response that are answered, >= 1; a later one is told that there are no more.")
        int mostCalls,

        @Doc("What each call costs, >= 0: a reward of its turn.")
        double cost)
        implements Environment {
    public ToolUse {
        tools = List.copyOf(tools);
        Rule.check(!tools.isEmpty(), "tools", "at least one toolbox", tools);
        Rule.positive("most-calls", mostCalls);
        Rule.check(cost >= 0 && Double.isFinite(cost), "cost", ">= 0 and finite", cost);
    }

    /** Eight calls at no cost. */
    public ToolUse(List<Toolbox> tools) {
        this(tools, 8, 0);
    }

    /** @throws IllegalArgumentException where two functions have one name */
    @Override
    public Environment opened() {
        return open();
    }

    private Open open() {
        List<ToolFunction> functions = new ArrayList<>();
        try {
            tools.forEach(toolbox -> functions.addAll(toolbox.functions()));
            return new Open(byName(functions));
        } catch (RuntimeException | Error e) {
            try {
                closeAll(functions);
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    private static Map<String, ToolFunction> byName(List<ToolFunction> functions) {
        Map<String, ToolFunction> byName = new LinkedHashMap<>();
        for (ToolFunction function : functions) {
            Rule.check(
                    byName.put(function.name(), function) == null,
                    "tools",
                    "such that functions have different names",
                    "two of " + function.name());
        }
        return byName;
    }

    /** Each of them, whichever fails. */
    private static void closeAll(Collection<ToolFunction> functions) {
        RuntimeException first = null;
        for (ToolFunction function : functions) {
            try {
                function.close();
            } catch (RuntimeException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }

    @Override
    public List<Map<String, @Nullable Object>> toolSchemas() {
        try (Environment open = opened()) {
            return open.toolSchemas();
        }
    }

    @Override
    public List<String> roles() {
        return List.of("tool");
    }

    @Override
    public boolean replayable() {
        return tools.stream().allMatch(Toolbox::repeatable);
    }

    /** Opens the tools for this episode alone; a run opens them once. */
    @Override
    public Episode begin(Problem problem, long draw, int sample) {
        Open open = open();
        return new Calls(open.functions, open::close);
    }

    /** With its functions. */
    private final class Open implements Environment {
        private final Map<String, ToolFunction> functions;

        Open(Map<String, ToolFunction> functions) {
            this.functions = functions;
        }

        @Override
        public List<Map<String, @Nullable Object>> toolSchemas() {
            return functions.values().stream().map(ToolFunction::schema).toList();
        }

        @Override
        public List<String> roles() {
            return ToolUse.this.roles();
        }

        @Override
        public boolean replayable() {
            return ToolUse.this.replayable();
        }

        @Override
        public Episode begin(Problem problem, long draw, int sample) {
            return new Calls(functions, () -> {});
        }

        @Override
        public void close() {
            closeAll(functions.values());
        }
    }

    /** The calls of one response. */
    private final class Calls implements Episode {
        private final Map<String, ToolFunction> functions;
        private final Runnable closing;
        private int called;
        private int failed;

        /** @param closing frees what was opened for this response alone */
        Calls(Map<String, ToolFunction> functions, Runnable closing) {
            this.functions = functions;
            this.closing = closing;
        }

        @Override
        public void close() {
            closing.run();
        }

        @Override
        public Answer answer(Turn turn) {
            List<ToolCall> calls = ToolCall.in(turn.text());
            if (calls.isEmpty()) {
                return Answer.end();
            }
            List<Message> results = new ArrayList<>();
            for (ToolCall call : calls) {
                Map<String, @Nullable Object> fields = new LinkedHashMap<>();
                String result = result(call);
                fields.put("role", "tool");
                fields.put("name", call.name());
                fields.put("content", result);
                results.add(new Message("tool", result, fields));
            }
            Answer answer = Answer.says(results);
            return cost == 0 ? answer : answer.withReward(-cost * calls.size());
        }

        private String result(ToolCall call) {
            if (++called > mostCalls) {
                return failure("there are no more calls; answer now");
            }
            if (!call.error().isEmpty()) {
                return failure(call.error());
            }
            ToolFunction function = functions.get(call.name());
            if (function == null) {
                return failure("there is no tool '" + call.name() + "'; the tools are " + functions.keySet());
            }
            try {
                return function.call(call.arguments());
            } catch (ToolException e) {
                return failure(String.valueOf(e.getMessage()));
            }
        }

        private String failure(String what) {
            failed++;
            return "error: " + what;
        }

        @Override
        public Map<String, Double> parts() {
            return Map.of("calls", (double) called, "failed-calls", (double) failed);
        }
    }
}
