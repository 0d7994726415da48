package org.minpro.chart;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Lines over a common axis, each named at its right end.
 *
 * @param title what is shown
 * @param x what the horizontal axis is
 * @param series the lines; one without a label is not named
 * @param logarithmic whether the vertical axis is
 * @param bounds values that the vertical axis has to show whatever the data; may be empty
 */
public record LineChart(String title, String x, List<Series> series, boolean logarithmic, double[] bounds) {
    private static final int WIDTH = 560;
    private static final int HEIGHT = 300;
    private static final int LEFT = 52;
    private static final int TOP = 30;
    private static final int BOTTOM = 40;
    private static final int LETTER = 8;
    private static final int LINE = 14;
    /** Marks on a line, about. */
    private static final int MARKS = 6;

    public LineChart {
        series = List.copyOf(series);
    }

    /** A chart with a plain axis as long as the data needs. */
    public LineChart(String title, String x, List<Series> series) {
        this(title, x, series, false, new double[0]);
    }

    /** The chart as an element of a page that has {@link Styles#SHEET}. */
    public String svg() {
        return new Drawing().draw("");
    }

    /** The chart as a file of its own. */
    public String standalone() {
        return new Drawing().draw("<style>" + Styles.SHEET + ".chart{background:var(--ground)}</style>");
    }

    private final class Drawing {
        private final StringBuilder out = new StringBuilder();
        private final Scale across;
        private final Scale up;
        private final int right;

        Drawing() {
            double[] x = series.stream()
                    .flatMapToDouble(line -> line.points().stream().mapToDouble(Series.Point::x))
                    .toArray();
            Scale place = Scale.of(x, false);
            // Iterations and the like have no halves.
            across = Arrays.stream(x).allMatch(value -> value == Math.rint(value)) ? place.ofCounts() : place;
            DoubleStream values = series.stream()
                    .flatMap(line -> line.points().stream())
                    .flatMapToDouble(point -> DoubleStream.of(point.y(), point.low(), point.high()));
            up = Scale.of(DoubleStream.concat(values, DoubleStream.of(bounds)).toArray(), logarithmic)
                    .rounded();
            int longest = series.stream()
                    .mapToInt(line -> line.label().length())
                    .max()
                    .orElse(0);
            right = longest == 0 ? 14 : 26 + Math.min(26, longest) * LETTER;
        }

        private double px(double x) {
            return LEFT + across.place(x) * (WIDTH - LEFT - right);
        }

        private double py(double y) {
            double value = logarithmic ? Math.max(y, up.low()) : y;
            return HEIGHT - BOTTOM - up.place(value) * (HEIGHT - TOP - BOTTOM);
        }

        String draw(String style) {
            out.append("<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + WIDTH + " " + HEIGHT
                    + "\" role=\"img\" aria-label=\"" + Svg.text(title) + "\">");
            out.append(style);
            out.append("<text x=\"4\" y=\"16\" font-weight=\"600\">" + Svg.text(title) + "</text>");
            axes();
            series.forEach(this::band);
            series.forEach(this::line);
            names();
            return out.append("</svg>").toString();
        }

        private void axes() {
            int bottom = HEIGHT - BOTTOM;
            for (double tick : up.ticks()) {
                String y = Svg.number(py(tick));
                out.append(
                        "<line class=\"grid\" x1=\"" + LEFT + "\" x2=\"" + (WIDTH - right) + "\" y1=\"" + y + "\" y2=\""
                                + y + "\"/><text class=\"tick\" text-anchor=\"end\" x=\"" + (LEFT - 6) + "\" y=\""
                                + Svg.number(py(tick) + 4) + "\">" + Svg.text(up.label(tick)) + "</text>");
            }
            for (double tick : across.ticks()) {
                out.append("<text class=\"tick\" text-anchor=\"middle\" x=\"" + Svg.number(px(tick)) + "\" y=\""
                        + (bottom + 15) + "\">" + Svg.text(across.label(tick)) + "</text>");
            }
            out.append("<line class=\"axis\" x1=\"" + LEFT + "\" x2=\"" + (WIDTH - right) + "\" y1=\"" + bottom
                    + "\" y2=\"" + bottom + "\"/><text class=\"tick\" text-anchor=\"middle\" x=\""
                    + (LEFT + WIDTH - right) / 2 + "\" y=\"" + (HEIGHT - 8) + "\">" + Svg.text(x) + "</text>");
        }

        private void band(Series line) {
            List<Series.Point> with = line.points().stream()
                    .filter(point -> Double.isFinite(point.low()) && Double.isFinite(point.high()))
                    .toList();
            if (with.size() < 2) {
                return;
            }
            Svg.Path path = new Svg.Path();
            with.forEach(point -> path.to(px(point.x()), py(point.high())));
            with.reversed().forEach(point -> path.to(px(point.x()), py(point.low())));
            out.append("<path class=\"band " + Styles.classes(line.style()) + "\" d=\"" + path + "z\"/>");
        }

        private List<Series.Point> drawn(Series line) {
            return line.points().stream()
                    .filter(point -> Double.isFinite(point.y()))
                    .toList();
        }

        private void line(Series line) {
            List<Series.Point> points = drawn(line);
            if (points.isEmpty()) {
                return;
            }
            Svg.Path path = new Svg.Path();
            points.forEach(point -> path.to(px(point.x()), py(point.y())));
            out.append("<path class=\"line " + Styles.classes(line.style()) + "\" d=\"" + path + "\"><title>"
                    + Svg.text(line.label()) + "</title></path>");
            int every = Math.max(1, points.size() / MARKS);
            for (int i = 0; i < points.size(); i++) {
                if (!line.label().isEmpty() && (i % every == 0 || i == points.size() - 1)) {
                    out.append(Styles.mark(
                            line.style(),
                            px(points.get(i).x()),
                            py(points.get(i).y())));
                }
            }
        }

        /** A name beside the end of each line, moved apart where they would lie on each other. */
        private void names() {
            record Name(Series line, double x, double y) {}
            List<Name> names = new ArrayList<>();
            for (Series line : series) {
                List<Series.Point> points = drawn(line);
                if (!points.isEmpty() && !line.label().isEmpty()) {
                    names.add(new Name(
                            line, px(points.getLast().x()), py(points.getLast().y())));
                }
            }
            names.sort(Comparator.comparingDouble(Name::y));
            double[] places = new double[names.size()];
            for (int i = 0; i < places.length; i++) {
                places[i] = Math.max(names.get(i).y(), i == 0 ? TOP : places[i - 1] + LINE);
            }
            double limit = HEIGHT - BOTTOM + 10;
            for (int i = places.length - 1; i >= 0; i--) {
                places[i] = Math.min(places[i], limit);
                limit = places[i] - LINE;
            }
            for (int i = 0; i < places.length; i++) {
                Name name = names.get(i);
                int x = WIDTH - right + 16;
                out.append("<line class=\"lead " + Styles.classes(name.line.style()) + "\" x1=\""
                        + Svg.number(name.x + 5)
                        + "\" y1=\"" + Svg.number(name.y) + "\" x2=\"" + (x - 2) + "\" y2=\"" + Svg.number(places[i])
                        + "\"/><text class=\"name " + Styles.classes(name.line.style()) + "\" x=\"" + x + "\" y=\""
                        + Svg.number(places[i] + 4) + "\">" + Svg.text(name.line.label()) + "</text>");
            }
        }
    }
}
