package org.minpro.tracker;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** A message in the encoding of Protocol Buffers, field by field. */
final class ProtocolBuffer {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int LENGTH = 2;
    private static final int FIXED32 = 5;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private void varint(long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            bytes.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        bytes.write((int) rest);
    }

    private void tag(int field, int wire) {
        varint((long) field << 3 | wire);
    }

    private void little(long bits, int size) {
        for (int i = 0; i < size; i++) {
            bytes.write((int) (bits >>> 8 * i));
        }
    }

    /** An int32, int64, bool or enum outside of a oneof: 0 is the default of proto3, which is not written. */
    ProtocolBuffer integer(int field, long value) {
        if (value != 0) {
            tag(field, VARINT);
            varint(value);
        }
        return this;
    }

    ProtocolBuffer float64(int field, double value) {
        tag(field, FIXED64);
        little(Double.doubleToRawLongBits(value), Long.BYTES);
        return this;
    }

    ProtocolBuffer float32(int field, float value) {
        tag(field, FIXED32);
        little(Float.floatToRawIntBits(value), Integer.BYTES);
        return this;
    }

    ProtocolBuffer text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    ProtocolBuffer message(int field, ProtocolBuffer value) {
        return bytes(field, value.encoded());
    }

    private ProtocolBuffer bytes(int field, byte[] value) {
        tag(field, LENGTH);
        varint(value.length);
        bytes.writeBytes(value);
        return this;
    }

    byte[] encoded() {
        return bytes.toByteArray();
    }
}
