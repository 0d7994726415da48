package org.minpro.text.jinja;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The {@code loop} of a running {@code for}. */
final class Loop {
    private final List<Object> items;
    private final int depth0;
    private final @Nullable Callable recursion;
    private int index0 = -1;
    private @Nullable Tuple lastChanged;

    Loop(List<Object> items, int depth0, @Nullable Callable recursion) {
        this.items = items;
        this.depth0 = depth0;
        this.recursion = recursion;
    }

    Object next() {
        index0++;
        return items.get(index0);
    }

    boolean hasNext() {
        return index0 + 1 < items.size();
    }

    int length() {
        return items.size();
    }

    int index() {
        return index0 + 1;
    }

    /** {@code loop(items)}: renders the body once more, inside. */
    Object recurse(CallArguments arguments) {
        if (recursion == null) {
            throw JinjaException.of("The loop must have the 'recursive' marker to be called recursively.");
        }
        return recursion.call(arguments);
    }

    int depth() {
        return depth0 + 1;
    }

    Optional<Object> attribute(String name) {
        return Optional.ofNullable(
                switch (name) {
                    case "index" -> Numbers.integer(index0 + 1);
                    case "index0" -> Numbers.integer(index0);
                    case "revindex" -> Numbers.integer(items.size() - index0);
                    case "revindex0" -> Numbers.integer(items.size() - index0 - 1);
                    case "first" -> index0 == 0;
                    case "last" -> !hasNext();
                    case "length" -> Numbers.integer(items.size());
                    case "depth" -> Numbers.integer(depth0 + 1);
                    case "depth0" -> Numbers.integer(depth0);
                    case "previtem" -> index0 == 0 ? new Undefined("there is no previous item") : items.get(index0 - 1);
                    case "nextitem" -> hasNext() ? items.get(index0 + 1) : new Undefined("there is no next item");
                    case "cycle" -> (Callable) this::cycle;
                    case "changed" -> (Callable) this::changed;
                    default -> null;
                });
    }

    private Object cycle(CallArguments arguments) {
        if (arguments.positional().isEmpty()) {
            throw JinjaException.of("no items for cycling given");
        }
        return arguments.positional().get(index0 % arguments.positional().size());
    }

    private Object changed(CallArguments arguments) {
        Tuple values = new Tuple(arguments.positional());
        boolean changed = lastChanged == null || !Values.equal(lastChanged, values);
        lastChanged = values;
        return changed;
    }
}
