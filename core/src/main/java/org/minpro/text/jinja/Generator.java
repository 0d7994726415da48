package org.minpro.text.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/** What filters such as {@code map} and {@code select} give: walked once, always true, without length or elements. */
final class Generator {
    private final Iterator<Object> items;

    Generator(Iterator<Object> items) {
        this.items = items;
    }

    static Generator of(List<Object> items) {
        return new Generator(items.iterator());
    }

    /** Applies the function when an item is asked for. */
    static Generator mapped(Iterator<Object> items, Function<Object, Object> function) {
        return new Generator(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return items.hasNext();
            }

            @Override
            public Object next() {
                return function.apply(items.next());
            }
        });
    }

    Iterator<Object> items() {
        return items;
    }
}
