package org.minpro.experience;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.minpro.reward.Score;
import org.minpro.rollout.Rollout;

/** Rollouts and their scores as bytes, for the other processes of a run: every number with its bits, every text with its halves. */
public final class EntryBytes {
    private EntryBytes() {}

    /** What {@link #read} gives back. */
    public static byte[] of(Collection<Journal.Entry> entries) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeInt(entries.size());
            for (Journal.Entry entry : entries) {
                write(out, entry.rollout());
                write(out, entry.score());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    public static List<Journal.Entry> read(byte[] bytes) {
        List<Journal.Entry> entries = new ArrayList<>();
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            for (int entry = in.readInt(); entry > 0; entry--) {
                entries.add(new Journal.Entry(rollout(in), score(in)));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return entries;
    }

    private static void write(DataOutputStream out, Rollout rollout) throws IOException {
        out.writeLong(rollout.draw());
        out.writeInt(rollout.sample());
        out.writeInt(rollout.promptIds().length);
        for (int id : rollout.promptIds()) {
            out.writeInt(id);
        }
        out.writeInt(rollout.length());
        for (int t = 0; t < rollout.length(); t++) {
            out.writeInt(rollout.responseIds()[t]);
            out.writeBoolean(rollout.responseMask()[t]);
            out.writeInt(Float.floatToRawIntBits(rollout.behaviorLogProbs()[t]));
            out.writeInt(Float.floatToRawIntBits(rollout.logKeptMass()[t]));
            out.writeLong(rollout.versions()[t]);
        }
        out.writeInt(rollout.finish().ordinal());
        write(out, rollout.text());
    }

    private static Rollout rollout(DataInputStream in) throws IOException {
        long draw = in.readLong();
        int sample = in.readInt();
        int[] prompt = new int[in.readInt()];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = in.readInt();
        }
        int time = in.readInt();
        int[] response = new int[time];
        boolean[] mask = new boolean[time];
        float[] logProbs = new float[time];
        float[] kept = new float[time];
        long[] versions = new long[time];
        for (int t = 0; t < time; t++) {
            response[t] = in.readInt();
            mask[t] = in.readBoolean();
            logProbs[t] = Float.intBitsToFloat(in.readInt());
            kept[t] = Float.intBitsToFloat(in.readInt());
            versions[t] = in.readLong();
        }
        Rollout.Finish finish = Rollout.Finish.values()[in.readInt()];
        return new Rollout(draw, sample, prompt, response, mask, logProbs, kept, versions, finish, text(in));
    }

    private static void write(DataOutputStream out, Score score) throws IOException {
        out.writeBoolean(score.decided());
        out.writeDouble(score.value());
        out.writeInt(score.parts().size());
        for (Map.Entry<String, Double> part : score.parts().entrySet()) {
            write(out, part.getKey());
            out.writeDouble(part.getValue());
        }
        write(out, score.reason());
        out.writeInt(score.steps().size());
        for (Map.Entry<Integer, Double> step : score.steps().entrySet()) {
            out.writeInt(step.getKey());
            out.writeDouble(step.getValue());
        }
    }

    private static Score score(DataInputStream in) throws IOException {
        boolean decided = in.readBoolean();
        double value = in.readDouble();
        Map<String, Double> parts = new TreeMap<>();
        for (int part = in.readInt(); part > 0; part--) {
            parts.put(text(in), in.readDouble());
        }
        String reason = text(in);
        SortedMap<Integer, Double> steps = new TreeMap<>();
        for (int step = in.readInt(); step > 0; step--) {
            steps.put(in.readInt(), in.readDouble());
        }
        return new Score(decided, value, parts, reason, steps);
    }

    private static void write(DataOutputStream out, String text) throws IOException {
        out.writeInt(text.length());
        out.writeChars(text);
    }

    private static String text(DataInputStream in) throws IOException {
        char[] characters = new char[in.readInt()];
        for (int i = 0; i < characters.length; i++) {
            characters[i] = in.readChar();
        }
        return new String(characters);
    }
}
