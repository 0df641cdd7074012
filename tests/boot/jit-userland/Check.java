// Check.java - a program for the JVM's compilers: `java Check.java` runs javac, too. Prints one line.
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

public class Check {
    interface Shape { long area(); }
    record Square(long a) implements Shape { public long area() { return a * a; } }
    record Box(long a, long b) implements Shape { public long area() { return a * b; } }

    static long sieve(int n) {
        boolean[] not = new boolean[n + 1];
        long sum = 0;
        for (int i = 2; i <= n; i++) {
            if (!not[i]) {
                sum += i;
                for (long j = (long) i * i; j <= n; j += i) not[(int) j] = true;
            }
        }
        return sum;
    }

    static double waves(int n) {
        double s = 0;
        for (int i = 1; i <= n; i++) s += Math.sqrt(i) / (1 + i % 7) - 1.0 / i;
        return s;
    }

    static int caught(int n) {
        int c = 0;
        int[] few = new int[10];
        for (int i = 0; i < n; i++) {
            try { few[i % 11]++; c += 1; } catch (ArrayIndexOutOfBoundsException e) { c += 3; }
        }
        return c;
    }

    public static void main(String[] args) throws Exception {
        List<Shape> shapes = new ArrayList<>();
        for (int i = 0; i < 50000; i++) shapes.add(i % 2 == 0 ? new Square(i) : new Box(i, i + 1));
        long area = shapes.stream().mapToLong(Shape::area).sum();
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 60000; i++) counts.merge(Integer.toString(i * 7919 % 1009, 36), 1, Integer::sum);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<Long>> parts = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            int from = t * 100000;
            parts.add(pool.submit(() -> IntStream.range(from, from + 100000).mapToLong(x -> (long) x * x % 1009).sum()));
        }
        long parallel = 0;
        for (Future<Long> part : parts) parallel += part.get();
        pool.shutdown();
        System.out.printf("%d %.4f %d %d %d %s %d%n", sieve(300000), waves(300000), caught(30000), area, counts.size(),
                          counts.get("a"), parallel);
    }
}
