package org.minpro.train;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.minpro.dist.Collectives;
import org.minpro.model.SafetensorsFile;
import org.minpro.tensor.Scope;
import org.minpro.tensor.Tensor;

/**
 * What a checkpoint stores of what processes keep in slices: whole tensors in the shapes of the parameters, so that it does not
 * depend on how many processes there are.
 *
 * <p>The first process asks for one tensor after the other, and has one at a time; the others give their slices until it is closed.
 * A tensor's name is that of its parameter, with one word and a dot before it.
 */
public final class WholeState implements AutoCloseable {
    private static final String WHAT = "the state of the run for a checkpoint";
    private static final String WEIGHT = "weight.";
    private static final String REFERENCE = "reference.";

    /** What the first process asks for when it wants nothing more. */
    private static final int NOTHING = -1;

    private final Ownership ownership;
    private final Policy policy;
    private final @Nullable Policy reference;
    private final SequencedMap<String, Tensor> optimizer;
    private final SequencedMap<String, Tensor> slices = new LinkedHashMap<>();
    private final List<String> names;
    private @Nullable String gathered;
    private @Nullable Tensor whole;
    private boolean failed;

    /**
     * @param optimizer the slices of its state, whole tensors in a process that is alone
     * @param reference what the mean of the weights is kept in, or null
     */
    WholeState(Ownership ownership, Policy policy, SequencedMap<String, Tensor> optimizer, @Nullable Policy reference) {
        this.ownership = ownership;
        this.policy = policy;
        this.optimizer = optimizer;
        this.reference = reference;
        slices.putAll(optimizer);
        addShared(WEIGHT, policy);
        if (reference != null) {
            addShared(REFERENCE, reference);
        }
        names = List.copyOf(slices.keySet());
    }

    private void addShared(String word, Policy of) {
        if (of.isSharedOut()) {
            of.held().forEach((name, slice) -> slices.put(word + name, slice));
        }
    }

    private static String parameter(String name) {
        return name.substring(name.indexOf('.') + 1);
    }

    /** The trained weights; on the first process. */
    public SafetensorsFile.Content weights() {
        return policy.trained(name -> whole(WEIGHT + name));
    }

    /** The optimizer's tensors; on the first process. */
    public SafetensorsFile.Content optimizer() {
        if (ownership.ranks().isAlone()) {
            return SafetensorsFile.Content.of(optimizer);
        }
        SequencedMap<String, SafetensorsFile.Shape> shapes = new LinkedHashMap<>();
        optimizer.forEach((name, slice) ->
                shapes.put(name, new SafetensorsFile.Shape(slice.type(), ownership.shape(parameter(name)))));
        return new SafetensorsFile.Content(shapes, this::whole);
    }

    /** The mean of the weights, nothing where there is none; on the first process. */
    public SafetensorsFile.Content reference() {
        return reference == null
                ? SafetensorsFile.Content.of(new LinkedHashMap<>())
                : reference.trained(name -> whole(REFERENCE + name));
    }

    /** The whole tensor of a name, until another one is asked for. */
    private Tensor whole(String name) {
        Tensor last = whole;
        if (last != null && name.equals(gathered)) {
            return last;
        }
        free();
        Tensor next = run(() -> {
            ask(names.indexOf(name));
            return gather(name);
        });
        gathered = name;
        whole = next;
        return next;
    }

    /** Gives the first process what it asks for, until it wants nothing more. */
    public void give() {
        int asked = asked();
        while (asked != NOTHING) {
            gather(names.get(asked)).close();
            asked = asked();
        }
    }

    private void ask(int which) {
        ownership
                .ranks()
                .ofFirst(WHAT, ByteBuffer.allocate(Integer.BYTES).putInt(which).array());
    }

    private int asked() {
        return ByteBuffer.wrap(ownership.ranks().ofFirst(WHAT, new byte[0])).getInt();
    }

    /** Brings the slices of all ranks to the first one; the caller's from then on, empty on the others. */
    private Tensor gather(String name) {
        Collectives ranks = ownership.ranks();
        Tensor slice = Objects.requireNonNull(slices.get(name));
        try (Scope scope = Scope.open()) {
            long[] shape = ranks.isFirst() ? ownership.shape(parameter(name)) : new long[] {0};
            Tensor target = Tensor.empty(slice.device(), slice.type(), shape);
            long[] giving = new long[ranks.size()];
            giving[0] = slice.elements();
            long[] taking = new long[ranks.size()];
            for (int rank = 0; rank < taking.length && ranks.isFirst(); rank++) {
                // The slices of the ranks follow each other in the parameter.
                taking[rank] = ownership.of(parameter(name), rank).length();
            }
            ranks.exchange(WHAT, slice, giving, target, taking);
            return target.retain();
        }
    }

    /** Reads on the first process and gives each its slices. */
    static void restore(SequencedMap<String, Tensor> slices, Ownership ownership, Function<String, Tensor> stored) {
        Collectives ranks = ownership.ranks();
        for (Map.Entry<String, Tensor> entry : slices.entrySet()) {
            Tensor slice = entry.getValue();
            try (Scope scope = Scope.open()) {
                if (ranks.isAlone()) {
                    slice.copyInPlace(stored.apply(entry.getKey()));
                    continue;
                }
                String parameter = parameter(entry.getKey());
                Tensor whole = Tensor.empty(slice.device(), slice.type(), ownership.shape(parameter));
                if (ranks.isFirst()) {
                    whole.copyInPlace(stored.apply(entry.getKey()));
                }
                ranks.broadcast("the optimizer's state", whole, 0);
                Ownership.Slice mine = ownership.mine(parameter);
                slice.copyInPlace(Ownership.part(whole, mine.start(), mine.length()));
            }
        }
    }

    private interface Step<T> {
        T take();
    }

    /** Does not speak to ranks again of which one is lost. */
    private <T> T run(Step<T> step) {
        failed = true;
        T result = step.take();
        failed = false;
        return result;
    }

    private void free() {
        if (whole != null) {
            whole.close();
            whole = null;
        }
    }

    /** Lets the other processes go on. */
    @Override
    public void close() {
        free();
        Collectives ranks = ownership.ranks();
        if (ranks.isFirst() && !ranks.isAlone() && !failed) {
            ask(NOTHING);
        }
    }
}
