package org.minpro.chart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;

/** Charts: places of values, ticks, names that do not lie on each other, well-formed markup. */
final class LineChartTest {
    private static final Pattern NAME = Pattern.compile("class=\"name[^\"]*\" x=\"[0-9.]+\" y=\"([0-9.]+)\"");

    private static Series line(String label, int style, double... values) {
        List<Series.Point> points = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            points.add(new Series.Point(i, values[i], values[i] - 1, values[i] + 1));
        }
        return new Series(label, style, points);
    }

    private static Document parsed(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void aChartIsWellFormedAndHoldsItsLines() throws Exception {
        String svg = new LineChart(
                        "A < B & \"C\"", "x", List.of(line("one", 0, 1, 2, 3), line("two", 1, 3, Double.NaN, 1)))
                .standalone();
        Document document = parsed(svg);
        assertThat(document.getDocumentElement().getAttribute("aria-label")).isEqualTo("A < B & \"C\"");
        assertThat(svg.split("class=\"line ", -1)).hasSize(3);
        assertThat(svg.split("class=\"band ", -1)).hasSize(3);
        assertThat(svg).doesNotContain("NaN", "Infinity");
    }

    @Test
    void namesOfLinesThatEndTogetherAreALineApart() {
        List<Series> lines = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            lines.add(line("line " + i, i, 5, 5));
        }
        Matcher names = NAME.matcher(new LineChart("t", "x", lines).svg());
        List<Double> places = new ArrayList<>();
        while (names.find()) {
            places.add(Double.parseDouble(names.group(1)));
        }
        assertThat(places).hasSize(9).isSorted();
        for (int i = 1; i < places.size(); i++) {
            assertThat(places.get(i) - places.get(i - 1)).isGreaterThanOrEqualTo(14 - 1e-9);
        }
        assertThat(places.getLast()).isLessThan(300);
    }

    @Test
    void ticksAreRoundAndWithinTheScale() {
        Scale plain = Scale.of(new double[] {0.37, 0.72}, false).rounded();
        assertThat(plain.ticks()).allMatch(tick -> Math.abs(tick * 20 - Math.rint(tick * 20)) < 1e-9);
        assertThat(plain.label(0.4)).isEqualTo("0.4");
        assertThat(plain.place(plain.low())).isZero();
        assertThat(plain.place(plain.high())).isEqualTo(1);
        Scale wide = Scale.of(new double[] {0.01, 50}, true);
        assertThat(wide.ticks()).contains(0.1, 1.0, 10.0);
        assertThat(wide.place(Math.sqrt(wide.low() * wide.high()))).isEqualTo(0.5, within(1e-12));
        assertThat(wide.label(0.1)).isEqualTo("0.1");
        assertThat(Scale.of(new double[] {0.8, 1.25}, true).ticks()).hasSizeGreaterThan(3);
    }

    @Test
    void nothingAtAllIsAnEmptyChart() throws Exception {
        parsed(new LineChart("t", "x", List.of()).svg());
        parsed(new LineChart("t", "x", List.of(line("a", 0, Double.NaN)), true, null).svg());
        parsed(new LineChart("t", "x", List.of(line("a", 0, 4)), true, null).svg());
    }

    @Test
    void everyStyleIsToldFromEveryOtherByMoreThanColour() {
        List<String> styles = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            styles.add(Styles.classes(i));
        }
        assertThat(styles).doesNotHaveDuplicates();
        assertThat(styles.stream().limit(8).map(style -> style.split(" ")[1])).doesNotHaveDuplicates();
    }
}
