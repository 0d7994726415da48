package com.example;

import java.util.List;
import org.minpro.environment.ToolUse;
import org.minpro.recipe.Recipe;
import org.minpro.run.TrainingResult;
import org.minpro.run.TrainingSession;
import org.minpro.tool.Argument;
import org.minpro.tool.Calculator;
import org.minpro.tool.Tool;
import org.minpro.tool.ToolException;
import org.minpro.tool.Toolbox;

/** Trains a model that may call Java methods before it answers; the recipe's reward scores the answer. */
public final class OwnTools {
    private OwnTools() {}

    public static void main(String[] args) {
        System.out.println(train(new Recipe().with("model.path", args[0])));
    }

    static TrainingResult train(Recipe recipe) {
        ToolUse tools = new ToolUse(List.of(new Calculator(), new Prices("EUR")));
        try (TrainingSession session =
                TrainingSession.of(recipe).environment(tools).start()) {
            return session.train();
        }
    }

    /** Prices of a shop. */
    public record Prices(String currency) implements Toolbox {
        @Tool("The price of an article.")
        public String price(
                @Argument(name = "article", value = "Its name.") String article,
                @Argument(name = "count", value = "How many.") int count)
                throws ToolException {
            if (count < 1) {
                throw new ToolException("count must be at least 1, got: " + count);
            }
            return 3 * count + " " + currency;
        }
    }
}
