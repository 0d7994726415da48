package org.minpro.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Attention of whole sequences and of single tokens: right, equal to each other to the bit, and exact about its shapes. */
class AttentionTest {
    private static final int CASES = 200;
    private static final int[] WIDTHS = {2, 6, 8, 10, 16, 24, 32, 40, 48, 64, 80, 96, 128};

    /** A sequence on its axis of tokens: the trunk first, gaps before the branches, where tokens of others could be. */
    private record Case(int heads, int keyHeads, int width, int trunk, int[] starts, int[] lengths, int tokens) {
        static Case random(SplittableRandom random, int longest) {
            int keyHeads = random.nextInt(1, 4);
            int perKey = random.nextInt(1, 6);
            int width = WIDTHS[random.nextInt(WIDTHS.length)];
            int trunk = random.nextInt(1, longest);
            int branches = random.nextInt(0, 4);
            int[] starts = new int[branches];
            int[] lengths = new int[branches];
            int at = trunk;
            for (int branch = 0; branch < branches; branch++) {
                lengths[branch] = random.nextInt(1, longest);
                starts[branch] = at + random.nextInt(4);
                at = starts[branch] + lengths[branch];
            }
            return new Case(keyHeads * perKey, keyHeads, width, trunk, starts, lengths, at);
        }

        int longest() {
            return trunk + Arrays.stream(lengths).max().orElse(0);
        }

        AttentionReference reference() {
            return new AttentionReference(heads, keyHeads, width, trunk, starts, lengths);
        }

        long scratch(Memory memory) {
            return memory.bytes(SequenceAttention.scratchBytes(heads, keyHeads, width, longest()));
        }

        void forward(long q, long k, long v, long out, long scratch) {
            SequenceAttention.forward(q, k, v, out, heads, keyHeads, width, 0, trunk, starts, lengths, scratch);
        }
    }

    @Test
    void sequencesAgreeWithFloat64() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < CASES; i++) {
            Case one = Case.random(random, 50);
            double[] q = Memory.normals(random, false, one.tokens * one.heads * one.width);
            double[] k = Memory.normals(random, false, one.tokens * one.keyHeads * one.width);
            double[] v = Memory.normals(random, false, k.length);
            double[] upstream = Memory.normals(random, false, q.length);
            try (Memory memory = new Memory()) {
                long qs = memory.of(q);
                long ks = memory.of(k);
                long vs = memory.of(v);
                // Zeros as in the reference, whose gaps nothing is added to.
                long out = memory.of(new double[q.length]);
                long scratch = one.scratch(memory);
                one.forward(qs, ks, vs, out, scratch);
                double[] forward = one.reference().forward(q, k, v);
                assertThat(Memory.distance(Memory.read(false, out, q.length), forward))
                        .as("outputs of %s", one)
                        .isLessThan(1e-6);
                long toQ = memory.of(new double[q.length]);
                long toK = memory.of(new double[k.length]);
                long toV = memory.of(new double[v.length]);
                SequenceAttention.backward(
                        qs,
                        ks,
                        vs,
                        memory.of(upstream),
                        toQ,
                        toK,
                        toV,
                        one.heads,
                        one.keyHeads,
                        one.width,
                        0,
                        one.trunk,
                        one.starts,
                        one.lengths,
                        scratch);
                double[][] expected = one.reference().backward(q, k, v, upstream);
                assertThat(distanceOfAll(
                                expected,
                                Memory.read(false, toQ, q.length),
                                Memory.read(false, toK, k.length),
                                Memory.read(false, toV, v.length)))
                        .as("gradients of %s", one)
                        .isLessThan(1e-6);
                assertThat(Memory.distance(Memory.read(false, toQ, q.length), expected[0]))
                        .as("gradients of queries of %s", one)
                        .isLessThan(1e-6);
                assertThat(Memory.distance(Memory.read(false, toK, k.length), expected[1]))
                        .as("gradients of keys of %s", one)
                        .isLessThan(1e-6);
            }
        }
    }

    private static double distanceOfAll(double[][] expected, double[]... found) {
        return Memory.distance(joined(found), joined(expected));
    }

    private static double[] joined(double[]... parts) {
        return Arrays.stream(parts).flatMapToDouble(Arrays::stream).toArray();
    }

    @Test
    void referenceAgreesWithFiniteDifferences() {
        SplittableRandom random = new SplittableRandom(2);
        Case one = new Case(4, 2, 4, 3, new int[] {3, 6}, new int[] {2, 4}, 10);
        double[][] inputs = {
            Memory.normals(random, false, one.tokens * one.heads * one.width),
            Memory.normals(random, false, one.tokens * one.keyHeads * one.width),
            Memory.normals(random, false, one.tokens * one.keyHeads * one.width)
        };
        double[] upstream = Memory.normals(random, false, inputs[0].length);
        double[][] gradients = one.reference().backward(inputs[0], inputs[1], inputs[2], upstream);
        double step = 1e-5;
        for (int input = 0; input < 3; input++) {
            for (int i = 0; i < inputs[input].length; i++) {
                double at = inputs[input][i];
                double[] values = new double[2];
                for (int side = 0; side < 2; side++) {
                    inputs[input][i] = at + (side == 0 ? step : -step);
                    double[] out = one.reference().forward(inputs[0], inputs[1], inputs[2]);
                    for (int j = 0; j < out.length; j++) {
                        values[side] += out[j] * upstream[j];
                    }
                }
                inputs[input][i] = at;
                assertThat((values[0] - values[1]) / (2 * step))
                        .isCloseTo(gradients[input][i], org.assertj.core.data.Offset.offset(1e-7));
            }
        }
    }

    @Tag("slow")
    @Test
    void decodingGivesASequencesBits() {
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < CASES; i++) {
            Case one = Case.random(random, 70);
            int capacity = ScoreRow.full(one.longest()) + 16 * random.nextInt(3);
            double[] q = Memory.normals(random, false, one.tokens * one.heads * one.width);
            double[] k = Memory.normals(random, false, one.tokens * one.keyHeads * one.width);
            double[] v = Memory.normals(random, false, k.length);
            try (Memory memory = new Memory()) {
                long qs = memory.of(q);
                long ks = memory.of(k);
                long vs = memory.of(v);
                long out = memory.floats(q.length);
                one.forward(qs, ks, vs, out, one.scratch(memory));
                // A slot for each branch, and one for the trunk alone.
                int slots = one.starts.length + 1;
                long cache = (long) slots * one.keyHeads * capacity * one.width;
                long keys = memory.floats(cache);
                long values = memory.floats(cache);
                long queries = memory.floats((long) slots * one.heads * one.width);
                long found = memory.floats((long) slots * one.heads * one.width);
                long newKeys = memory.floats((long) slots * one.keyHeads * one.width);
                long newValues = memory.floats((long) slots * one.keyHeads * one.width);
                long scratch = memory.bytes(DecodeAttention.scratchBytes(one.heads, one.keyHeads, one.width, capacity));
                for (int slot = 0; slot < slots; slot++) {
                    int tokens = slot == 0 ? one.trunk - 1 : one.trunk;
                    if (tokens > 0) {
                        DecodeAttention.fill(
                                false, keys, values, slot, one.keyHeads, one.width, capacity, ks, vs, tokens);
                    }
                }
                int rowBytes = 4 * one.heads * one.width;
                int keyBytes = 4 * one.keyHeads * one.width;
                int longestBranch = Math.max(1, one.longest() - one.trunk);
                for (int step = 0; step < longestBranch; step++) {
                    int[] places = new int[slots];
                    int[] seen = new int[slots];
                    int[] token = new int[slots];
                    for (int slot = 0; slot < slots; slot++) {
                        // A slot that has ended goes on with its last token.
                        int in = slot == 0 ? 0 : Math.min(step, one.lengths[slot - 1] - 1);
                        token[slot] = slot == 0 ? one.trunk - 1 : one.starts[slot - 1] + in;
                        places[slot] = slot;
                        seen[slot] = slot == 0 ? one.trunk : one.trunk + in + 1;
                        Vectors.copy(qs + (long) token[slot] * rowBytes, queries + (long) slot * rowBytes, rowBytes);
                        Vectors.copy(ks + (long) token[slot] * keyBytes, newKeys + (long) slot * keyBytes, keyBytes);
                        Vectors.copy(vs + (long) token[slot] * keyBytes, newValues + (long) slot * keyBytes, keyBytes);
                    }
                    DecodeAttention.Rows rows = DecodeAttention.Rows.apart(places, seen);
                    DecodeAttention.append(
                            false, keys, values, rows, one.keyHeads, one.width, capacity, newKeys, newValues);
                    DecodeAttention.attend(
                            false,
                            queries,
                            keys,
                            values,
                            rows,
                            0,
                            found,
                            one.heads,
                            one.keyHeads,
                            one.width,
                            capacity,
                            scratch);
                    for (int slot = 0; slot < slots; slot++) {
                        assertThat(Memory.floats(found + (long) slot * rowBytes, rowBytes / 4))
                                .as("%s, slot %d, %d seen", one, slot, seen[slot])
                                .containsExactly(Memory.floats(out + (long) token[slot] * rowBytes, rowBytes / 4));
                    }
                }
            }
        }
    }

    /**
     * Rows of one prompt in any order, in float32 and bfloat16: some share its whole blocks, some have all of it themselves, some
     * see nothing, and some slots have no row.
     */
    @Test
    void sharedPromptsChangeNoBit() {
        SplittableRandom random = new SplittableRandom(5);
        int layer = 1;
        for (int i = 0; i < CASES; i++) {
            boolean half = i % 2 == 1;
            Case one = Case.random(random, 70);
            int branches = one.starts.length;
            if (branches == 0) {
                continue;
            }
            double[] q = Memory.normals(random, false, one.tokens * one.heads * one.width);
            double[] k = Memory.normals(random, half, one.tokens * one.keyHeads * one.width);
            double[] v = Memory.normals(random, half, k.length);
            int blocks = one.trunk / 16 * 16;
            int capacity = ScoreRow.full(one.longest());
            int slots = 2 * branches;
            // Each branch asks twice, from two slots.
            int count = slots + 1;
            int[] places = new int[count];
            int[] seen = new int[count];
            int[] shared = new int[count];
            long[] prompts = new long[count];
            int[] last = new int[count];
            try (Memory memory = new Memory()) {
                long qs = memory.of(q);
                long ks = memory.of(k);
                long vs = memory.of(v);
                long out = memory.floats(q.length);
                one.forward(qs, ks, vs, out, one.scratch(memory));
                long ofPrompt = DecodeAttention.promptBytes(half, one.keyHeads, one.width, blocks);
                long prompt = memory.bytes(2L * (layer + 1) * ofPrompt);
                long bytes = half ? 2 : 4;
                long keys = memory.bytes(bytes * slots * one.keyHeads * capacity * one.width);
                long values = memory.bytes(bytes * slots * one.keyHeads * capacity * one.width);
                if (blocks > 0) {
                    long at = prompt + 2L * layer * ofPrompt;
                    DecodeAttention.fill(half, at, at + ofPrompt, 0, one.keyHeads, one.width, blocks, ks, vs, blocks);
                }
                long keyBytes = 4L * one.keyHeads * one.width;
                int rowBytes = 4 * one.heads * one.width;
                long queries = memory.floats((long) count * one.heads * one.width);
                int idle = random.nextInt(count);
                for (int row = 0; row < count; row++) {
                    if (row == idle) {
                        // Of a slot that there is not.
                        places[row] = slots + 7;
                        continue;
                    }
                    int slot = row < idle ? row : row - 1;
                    int branch = slot % branches;
                    places[row] = slot;
                    shared[row] = random.nextInt(4) == 0 ? 0 : blocks;
                    prompts[row] = shared[row] == 0 ? 0 : prompt;
                    last[row] = random.nextInt(one.lengths[branch]);
                    seen[row] = one.trunk + last[row] + 1;
                    if (one.trunk > shared[row]) {
                        DecodeAttention.fill(
                                half,
                                keys,
                                values,
                                slot,
                                one.keyHeads,
                                one.width,
                                capacity,
                                ks + shared[row] * keyBytes,
                                vs + shared[row] * keyBytes,
                                one.trunk - shared[row]);
                    }
                    for (int token = 0; token < last[row]; token++) {
                        long from = (one.starts[branch] + token) * keyBytes;
                        DecodeAttention.append(
                                half,
                                keys,
                                values,
                                new DecodeAttention.Rows(
                                        new int[] {slot},
                                        new int[] {one.trunk + token + 1},
                                        new long[] {prompts[row]},
                                        new int[] {shared[row]},
                                        new int[1]),
                                one.keyHeads,
                                one.width,
                                capacity,
                                ks + from,
                                vs + from);
                    }
                    Vectors.copy(
                            qs + (long) (one.starts[branch] + last[row]) * rowBytes,
                            queries + (long) row * rowBytes,
                            rowBytes);
                }
                long newKeys = memory.bytes(count * keyBytes);
                long newValues = memory.bytes(count * keyBytes);
                for (int row = 0; row < count; row++) {
                    if (row != idle) {
                        long from = (one.starts[places[row] % branches] + last[row]) * keyBytes;
                        Vectors.copy(ks + from, newKeys + row * keyBytes, keyBytes);
                        Vectors.copy(vs + from, newValues + row * keyBytes, keyBytes);
                    }
                }
                DecodeAttention.Rows rows = DecodeAttention.Rows.of(places, seen, prompts, shared);
                DecodeAttention.append(half, keys, values, rows, one.keyHeads, one.width, capacity, newKeys, newValues);
                long found = memory.floats((long) count * one.heads * one.width);
                long scratch =
                        memory.bytes(DecodeAttention.scratchBytes(one.heads, one.keyHeads, one.width, one.longest()));
                DecodeAttention.attend(
                        half,
                        queries,
                        keys,
                        values,
                        rows,
                        layer,
                        found,
                        one.heads,
                        one.keyHeads,
                        one.width,
                        capacity,
                        scratch);
                for (int row = 0; row < count; row++) {
                    float[] ofRow = Memory.floats(found + (long) row * rowBytes, rowBytes / 4);
                    if (row == idle) {
                        assertThat(ofRow).containsOnly(0f);
                        continue;
                    }
                    long token = one.starts[places[row] % branches] + (long) last[row];
                    assertThat(ofRow)
                            .as("%s, row %d of %s, half %s", one, row, rows, half)
                            .containsExactly(Memory.floats(out + token * rowBytes, rowBytes / 4));
                }
            }
        }
    }

    @Test
    void branchesHaveTheBitsOfALongerTrunk() {
        SplittableRandom random = new SplittableRandom(4);
        for (int i = 0; i < 100; i++) {
            int trunk = random.nextInt(1, 60);
            int branch = random.nextInt(1, 60);
            int tokens = trunk + branch;
            Case split = new Case(6, 2, 32, trunk, new int[] {trunk}, new int[] {branch}, tokens);
            Case whole = new Case(6, 2, 32, tokens, new int[0], new int[0], tokens);
            double[] q = Memory.normals(random, false, tokens * 6 * 32);
            double[] k = Memory.normals(random, false, tokens * 2 * 32);
            double[] v = Memory.normals(random, false, k.length);
            try (Memory memory = new Memory()) {
                long one = memory.floats(q.length);
                long other = memory.floats(q.length);
                split.forward(memory.of(q), memory.of(k), memory.of(v), one, split.scratch(memory));
                whole.forward(memory.of(q), memory.of(k), memory.of(v), other, whole.scratch(memory));
                assertThat(Memory.floats(one, q.length)).containsExactly(Memory.floats(other, q.length));
            }
        }
    }

    /** 8,192 tokens: the last one decoded, and in a sequence; and as float64 has it. */
    @Test
    void longRowsHaveTheSameBits() {
        SplittableRandom random = new SplittableRandom(6);
        int tokens = 8192;
        int width = 8;
        Case one = new Case(1, 1, width, tokens, new int[0], new int[0], tokens);
        double[] q = Memory.normals(random, false, tokens * width);
        double[] k = Memory.normals(random, false, tokens * width);
        double[] v = Memory.normals(random, false, tokens * width);
        try (Memory memory = new Memory()) {
            long qs = memory.of(q);
            long ks = memory.of(k);
            long vs = memory.of(v);
            long out = memory.floats(q.length);
            one.forward(qs, ks, vs, out, one.scratch(memory));
            long keys = memory.floats(k.length);
            long values = memory.floats(v.length);
            DecodeAttention.fill(false, keys, values, 0, 1, width, tokens, ks, vs, tokens);
            long last = 4L * (tokens - 1) * width;
            long found = memory.floats(width);
            DecodeAttention.attend(
                    false,
                    qs + last,
                    keys,
                    values,
                    DecodeAttention.Rows.apart(new int[1], new int[] {tokens}),
                    0,
                    found,
                    1,
                    1,
                    width,
                    tokens,
                    memory.bytes(DecodeAttention.scratchBytes(1, 1, width, tokens)));
            assertThat(Memory.floats(found, width)).containsExactly(Memory.floats(out + last, width));
            double[] expected = new double[width];
            double sum = 0;
            for (int j = 0; j < tokens; j++) {
                double score = 0;
                for (int i = 0; i < width; i++) {
                    score += q[(tokens - 1) * width + i] * k[j * width + i];
                }
                double e = Math.exp(score / Math.sqrt(width));
                sum += e;
                for (int i = 0; i < width; i++) {
                    expected[i] += e * v[j * width + i];
                }
            }
            for (int i = 0; i < width; i++) {
                expected[i] /= sum;
            }
            assertThat(Memory.distance(Memory.read(false, found, width), expected))
                    .isLessThan(1e-5);
        }
    }

    @Test
    void scratchGrowsWithTheTokens() {
        long once = SequenceAttention.scratchBytes(9, 3, 64, 8192);
        long twice = SequenceAttention.scratchBytes(9, 3, 64, 16384);
        assertThat(twice).isLessThan(2 * once + 4096);
        assertThat(once).isLessThan(16L << 20);
    }

    @Test
    void wrongShapesAreRefusedBeforeAnythingIsWritten() {
        try (Memory memory = new Memory()) {
            long any = memory.floats(1 << 12);
            float[] before = Memory.floats(any, 1 << 12);
            int[] none = {};
            assertThatThrownBy(() -> SequenceAttention.forward(any, any, any, any, 3, 2, 8, 0, 4, none, none, any))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("heads must be a multiple of the key heads (2), got: 3");
            assertThatThrownBy(() -> SequenceAttention.forward(any, any, any, any, 2, 2, 7, 0, 4, none, none, any))
                    .hasMessageContaining("head dim must be even, got: 7");
            assertThatThrownBy(() -> SequenceAttention.forward(any, any, any, any, 2, 2, 8, 0, 0, none, none, any))
                    .hasMessageContaining("trunk length must be > 0, got: 0");
            assertThatThrownBy(() -> SequenceAttention.forward(any, any, any, 0, 2, 2, 8, 0, 1, none, none, any))
                    .hasMessageContaining("out must be an address, got: 0");
            assertThatThrownBy(() ->
                            SequenceAttention.forward(any, any, any, any, 2, 2, 8, 0, 1, new int[] {1}, none, any))
                    .hasMessageContaining("branch lengths must be as many as branch starts (1), got: 0");
            assertThatThrownBy(() -> SequenceAttention.backward(
                            any, any, any, any, any, any, any, 2, 2, 8, 0, 1, new int[] {1}, new int[] {0}, any))
                    .hasMessageContaining("branch length must be > 0, got: 0");
            int[] two = {0, 1};
            assertThatThrownBy(() -> attend(any, DecodeAttention.Rows.apart(two, new int[] {4, 17}), 16))
                    .hasMessageContaining("entries must be below the capacity (16), got: entry 16");
            assertThatThrownBy(() -> attend(any, DecodeAttention.Rows.apart(two, new int[] {4, 4}), 20))
                    .hasMessageContaining("capacity must be a multiple of 16, got: 20");
            assertThatThrownBy(() -> attend(any, DecodeAttention.Rows.apart(two, new int[] {3, -1}), 16))
                    .hasMessageContaining("seen must be >= 0, got: -1");
            assertThatThrownBy(() -> attend(any, DecodeAttention.Rows.apart(new int[] {0, -1}, new int[] {1, 1}), 16))
                    .hasMessageContaining("slot must be >= 0, got: -1");
            long[] prompts = {any, any};
            assertThatThrownBy(() -> attend(
                            any, DecodeAttention.Rows.of(two, new int[] {17, 25}, prompts, new int[] {16, 24}), 16))
                    .hasMessage("shared entries must be a multiple of 16, got: 24");
            assertThatThrownBy(() -> attend(
                            any, DecodeAttention.Rows.of(two, new int[] {17, 25}, prompts, new int[] {16, 32}), 16))
                    .hasMessage("a row must see all entries that it shares (32) or none, got: 25");
            assertThatThrownBy(() -> attend(
                            any, DecodeAttention.Rows.of(two, new int[] {17, 17}, new long[2], new int[] {0, 16}), 32))
                    .hasMessage("prompt of a row must be an address, got: 0");
            for (int[] order : new int[][] {{0}, {0, 0}, {0, 2}, {-1, 0}, {0, 1, 1}}) {
                assertThatThrownBy(() -> attend(
                                any,
                                new DecodeAttention.Rows(two, new int[] {1, 1}, new long[2], new int[2], order),
                                16))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("order must be of each of 2 rows once, got: " + Arrays.toString(order));
            }
            DecodeAttention.Rows written =
                    DecodeAttention.Rows.of(two, new int[] {17, 16}, prompts, new int[] {16, 16});
            assertThatThrownBy(() -> DecodeAttention.append(true, any, any, written, 2, 8, 16, any, any))
                    .hasMessage("an entry must be written behind those that are shared (16), got: 16 seen");
            assertThatThrownBy(() -> DecodeAttention.fill(false, any, any, 0, 2, 8, 16, any, any, 17))
                    .hasMessageContaining("entries must be below the capacity (16), got: entry 16");
            assertThat(Memory.floats(any, 1 << 12)).containsExactly(before);
        }
    }

    private static void attend(long any, DecodeAttention.Rows rows, int capacity) {
        DecodeAttention.attend(true, any, any, any, rows, 0, any, 2, 2, 8, capacity, any);
    }
}
