package org.minpro.config;

/**
 * One thing that is wrong in a configuration.
 *
 * @param origin where the value came from: {@code recipe.yaml:3:5}, {@code --set objective.cap=-1}, {@code --lag}
 * @param message what is wrong, the rule and the value, on one line
 */
public record ConfigurationProblem(String origin, String message) {
    @Override
    public String toString() {
        // What is wrong may be the whole of what was given.
        return message.startsWith(origin + " ") ? message : origin + ": " + message;
    }
}
