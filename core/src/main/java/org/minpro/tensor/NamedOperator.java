package org.minpro.tensor;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Argument;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;

/** An operator of libtorch that has no function of its own in the bindings, found by its name. */
final class NamedOperator {
    /** An argument that is left out. */
    static final IValue NONE = constant(new IValue());

    static final IValue YES = constant(new IValue(true));
    static final IValue NO = constant(new IValue(false));
    /** As a probability: never. */
    static final IValue ZERO = constant(new IValue(0.0));

    private final OperatorHandle handle;

    /** @param name with its namespace, such as {@code aten::add} */
    NamedOperator(String name) {
        this(name, "");
    }

    /** @param overload which of several operators of the name */
    NamedOperator(String name, String overload) {
        try (PointerScope scope = new PointerScope()) {
            handle = Dispatcher.singleton().findSchemaOrThrow(name, overload);
            handle.retainReference();
        }
    }

    /** The operator's results for all of its arguments; to be read before the current scope closes. */
    IValueVector call(IValue... arguments) {
        IValueVector stack = new IValueVector(arguments);
        handle.callBoxed(stack);
        return stack;
    }

    /** A result as a tensor of its own: the stack goes with its scope. */
    static Tensor result(IValueVector stack, long index) {
        return new Tensor(new org.bytedeco.pytorch.Tensor(stack.get(index).toTensor()));
    }

    /** An empty list of the element type that an argument has. */
    IValue emptyList(int argument) {
        try (PointerScope scope = new PointerScope()) {
            Argument list = handle.schema().arguments().getPointer(Argument.class, argument);
            return constant(new IValue(new GenericList(list.type().get().containedType(0))));
        }
    }

    /** A list of an argument's element type, {@code bool[]}. */
    IValue list(int argument, boolean... elements) {
        try (PointerScope scope = new PointerScope()) {
            Argument list = handle.schema().arguments().getPointer(Argument.class, argument);
            GenericList values = new GenericList(list.type().get().containedType(0));
            for (boolean element : elements) {
                values.push_back(new IValue(element));
            }
            return constant(new IValue(values));
        }
    }

    /** A list for an argument that is {@code Tensor[]}; goes with the current scope. */
    IValue list(int argument, List<Tensor> elements) {
        Argument list = handle.schema().arguments().getPointer(Argument.class, argument);
        GenericList values = new GenericList(list.type().get().containedType(0));
        for (Tensor element : elements) {
            values.push_back(new IValue(element.value));
        }
        return new IValue(values);
    }

    static IValue of(boolean value) {
        return value ? YES : NO;
    }

    /** An argument that no scope may free. */
    static IValue constant(IValue value) {
        value.retainReference();
        return value;
    }
}
