"""Reverse-mode differentiation of scalars in float64: as much as the golden losses need, and no library."""

import math


class Var:
    """A number that knows what it was computed from; derivatives are with respect to the leaves."""

    def __init__(self, value, parents=()):
        self.value = float(value)
        self.parents = parents
        self.grad = 0.0

    def __add__(self, other):
        other = var(other)
        return Var(self.value + other.value, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = var(other)
        return Var(self.value * other.value, ((self, other.value), (other, self.value)))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -var(other)

    def __rsub__(self, other):
        return var(other) - self

    def __truediv__(self, other):
        return self * power(var(other), -1.0)

    def __rtruediv__(self, other):
        return var(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack.extend((parent, False) for parent, _ in node.parents)
        self.grad = 1.0
        for node in reversed(order):
            for parent, derivative in node.parents:
                parent.grad += node.grad * derivative


def var(x):
    return x if isinstance(x, Var) else Var(x)


def sg(x):
    """Stop-gradient: the value alone."""
    return x.value if isinstance(x, Var) else x


def power(x, exponent):
    return Var(x.value**exponent, ((x, exponent * x.value ** (exponent - 1)),))


def exp(x):
    x = var(x)
    value = math.exp(x.value)
    return Var(value, ((x, value),))


def arctan(x):
    return Var(math.atan(x.value), ((x, 1 / (1 + x.value**2)),))


def sigmoid(x):
    value = 1 / (1 + math.exp(-x.value)) if x.value > -700 else 0.0
    other = 1 / (1 + math.exp(x.value)) if x.value < 700 else 0.0
    return Var(value, ((x, value * other),))


def least(x, y):
    return var(x) if sg(x) <= sg(y) else var(y)


def most(x, y):
    return var(x) if sg(x) >= sg(y) else var(y)


def clip(x, low, high):
    """The value between the bounds; the gradient passes inside them and on them."""
    x = var(x)
    return x if low <= x.value <= high else Var(min(max(x.value, low), high))


def absolute(x):
    return Var(abs(x.value), ((x, float((x.value > 0) - (x.value < 0))),))
