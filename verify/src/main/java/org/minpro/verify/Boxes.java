package org.minpro.verify;

import java.util.ArrayList;
import java.util.List;

/**
 * The boxes of a completion.
 *
 * @param boxes the outermost balanced ones in order
 * @param open whether a box begins behind all of them and does not end; it is then the last of the list
 */
record Boxes(List<Box> boxes, boolean open) {
    private static final String[] COMMANDS = {"\\boxed", "\\fbox", "\\framebox"};

    /** One box: where it begins and ends, and where its content does. */
    record Box(int start, int contentStart, int contentEnd, int end) {
        String content(String text) {
            return text.substring(contentStart, contentEnd).strip();
        }
    }

    static Boxes of(String text) {
        List<Box> boxes = new ArrayList<>();
        if (text.indexOf("\\boxed") < 0 && text.indexOf("\\f") < 0) {
            return new Boxes(boxes, false);
        }
        List<int[]> open = new ArrayList<>(); // {position of the brace, start of the box or -1}
        int pendingBox = -1;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                int end = commandEnd(text, i);
                if (end > 0) {
                    int next = skipSpaces(text, end);
                    int content = next < text.length() && text.charAt(next) != '{' ? contentEnd(text, next) : -1;
                    if (next < text.length() && text.charAt(next) == '{') {
                        pendingBox = i;
                        i = next - 1;
                    } else if (content > next) {
                        add(boxes, new Box(i, next, content, content));
                        i = content - 1;
                    } else {
                        i = end - 1;
                    }
                } else {
                    i++; // an escaped brace is a character of the answer
                }
            } else if (c == '{') {
                open.add(new int[] {i, pendingBox});
                pendingBox = -1;
            } else if (c == '}' && !open.isEmpty()) {
                int[] brace = open.remove(open.size() - 1);
                if (brace[1] >= 0) {
                    add(boxes, new Box(brace[1], brace[0] + 1, i, i + 1));
                }
            }
        }
        int last = boxes.isEmpty() ? -1 : boxes.get(boxes.size() - 1).end();
        for (int[] brace : open) {
            if (brace[1] > last) {
                boxes.add(new Box(brace[1], brace[0] + 1, text.length(), text.length()));
                return new Boxes(boxes, true);
            }
        }
        return new Boxes(boxes, false);
    }

    private static void add(List<Box> boxes, Box box) {
        while (!boxes.isEmpty() && boxes.get(boxes.size() - 1).start() > box.start()) {
            boxes.remove(boxes.size() - 1);
        }
        boxes.add(box);
    }

    private static int commandEnd(String text, int at) {
        for (String command : COMMANDS) {
            int end = at + command.length();
            if (text.startsWith(command, at) && (end == text.length() || !Character.isLetter(text.charAt(end)))) {
                return end;
            }
        }
        return -1;
    }

    private static int skipSpaces(String text, int at) {
        int i = at;
        while (i < text.length() && Character.isWhitespace(text.charAt(i))) {
            i++;
        }
        return i;
    }

    /**
     * The end of what a box without braces holds: TeX would take one digit, and its author means the whole number or
     * formula, up to a space outside its brackets or a mark that ends the formula.
     */
    private static int contentEnd(String text, int from) {
        int depth = 0;
        int i = from;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c == '(' || c == '[' || c == '{') {
                depth++;
            } else if (c == ')' || c == ']' || c == '}') {
                if (--depth < 0) {
                    break;
                }
            } else if (c == '$' || c == '\n' || depth == 0 && Character.isWhitespace(c) && !digitsMeet(text, from, i)) {
                break;
            } else if (c == '\\' && i + 1 < text.length()) {
                if (depth == 0 && ")]".indexOf(text.charAt(i + 1)) >= 0 || commandEnd(text, i) > 0) {
                    break;
                }
                i++;
            }
            i++;
        }
        int end = Math.min(i, text.length());
        while (end > from && ".,;:!?".indexOf(text.charAt(end - 1)) >= 0) {
            end--;
        }
        return end;
    }

    /** Whether only spaces keep two digits apart, which may be one number. */
    private static boolean digitsMeet(String text, int from, int space) {
        int next = skipSpaces(text, space);
        return space > from
                && Character.isDigit(text.charAt(space - 1))
                && next < text.length()
                && Character.isDigit(text.charAt(next));
    }
}
