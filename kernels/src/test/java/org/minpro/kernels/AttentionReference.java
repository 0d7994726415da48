package org.minpro.kernels;

/** Attention over one sequence in float64, written out. */
final class AttentionReference {
    private final int heads;
    private final int keyHeads;
    private final int width;
    private final int trunk;
    private final int[] starts;
    private final int[] lengths;

    AttentionReference(int heads, int keyHeads, int width, int trunk, int[] starts, int[] lengths) {
        this.heads = heads;
        this.keyHeads = keyHeads;
        this.width = width;
        this.trunk = trunk;
        this.starts = starts;
        this.lengths = lengths;
    }

    /** Who sees whom: for each token of the axis the tokens that it sees, in the order of their positions. */
    private int[][] seen(int tokens) {
        // Those of none of the sequence's tokens see nothing.
        int[][] seen = new int[tokens][0];
        for (int token = 0; token < trunk; token++) {
            seen[token] = java.util.stream.IntStream.rangeClosed(0, token).toArray();
        }
        for (int branch = 0; branch < starts.length; branch++) {
            int start = starts[branch];
            for (int i = 0; i < lengths[branch]; i++) {
                seen[start + i] = java.util.stream.IntStream.concat(
                                java.util.stream.IntStream.range(0, trunk),
                                java.util.stream.IntStream.rangeClosed(start, start + i))
                        .toArray();
            }
        }
        return seen;
    }

    double[] forward(double[] q, double[] k, double[] v) {
        int tokens = q.length / heads / width;
        int[][] seen = seen(tokens);
        double[] out = new double[q.length];
        for (int token = 0; token < tokens; token++) {
            for (int head = 0; head < heads; head++) {
                double[] p = probabilities(q, k, seen[token], token, head);
                for (int j = 0; j < p.length; j++) {
                    int key = key(seen[token][j], head);
                    for (int i = 0; i < width; i++) {
                        out[(token * heads + head) * width + i] += p[j] * v[key + i];
                    }
                }
            }
        }
        return out;
    }

    /** The gradients of queries, keys and values. */
    double[][] backward(double[] q, double[] k, double[] v, double[] upstream) {
        int tokens = q.length / heads / width;
        int[][] seen = seen(tokens);
        double[] toQ = new double[q.length];
        double[] toK = new double[k.length];
        double[] toV = new double[v.length];
        double scale = 1 / Math.sqrt(width);
        for (int token = 0; token < tokens; token++) {
            for (int head = 0; head < heads; head++) {
                double[] p = probabilities(q, k, seen[token], token, head);
                int row = (token * heads + head) * width;
                double[] g = new double[p.length];
                double mean = 0;
                for (int j = 0; j < p.length; j++) {
                    int key = key(seen[token][j], head);
                    for (int i = 0; i < width; i++) {
                        g[j] += upstream[row + i] * v[key + i];
                        toV[key + i] += p[j] * upstream[row + i];
                    }
                    mean += p[j] * g[j];
                }
                for (int j = 0; j < p.length; j++) {
                    int key = key(seen[token][j], head);
                    double toScore = p[j] * (g[j] - mean) * scale;
                    for (int i = 0; i < width; i++) {
                        toQ[row + i] += toScore * k[key + i];
                        toK[key + i] += toScore * q[row + i];
                    }
                }
            }
        }
        return new double[][] {toQ, toK, toV};
    }

    private int key(int token, int head) {
        return (token * keyHeads + head / (heads / keyHeads)) * width;
    }

    private double[] probabilities(double[] q, double[] k, int[] seen, int token, int head) {
        double[] p = new double[seen.length];
        double largest = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < p.length; j++) {
            for (int i = 0; i < width; i++) {
                p[j] += q[(token * heads + head) * width + i] * k[key(seen[j], head) + i];
            }
            p[j] /= Math.sqrt(width);
            largest = Math.max(largest, p[j]);
        }
        double sum = 0;
        for (int j = 0; j < p.length; j++) {
            p[j] = Math.exp(p[j] - largest);
            sum += p[j];
        }
        for (int j = 0; j < p.length; j++) {
            p[j] /= sum;
        }
        return p;
    }
}
