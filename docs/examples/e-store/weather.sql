-- Two years of hourly weather at 500 cities: 8,760,000 rows, the same each time.
INSERT INTO weather
SELECT
    toDateTime('2023-01-01 00:00:00', 'UTC') + intDiv(number, 500) * 3600 AS timestamp,
    'City ' || leftPad(toString(number % 500), 3, '0') AS site_name,
    toFloat32(round(55 + 25 * sin(intDiv(number, 500) / 1394.2) + 9 * sin(intDiv(number, 500) / 3.82)
        + cityHash64(number) % 160 / 10 - (number % 500) / 25, 1)) AS temp_f,
    toUInt8(cityHash64(number, 1) % 101) AS clouds,
    ['clear', 'few clouds', 'scattered clouds', 'overcast', 'light rain', 'rain', 'snow', 'mist']
        [1 + cityHash64(number, 2) % 8] AS description,
    toFloat32(20 + cityHash64(number, 3) % 80) AS humidity,
    toFloat32(if(cityHash64(number, 4) % 6 = 0, cityHash64(number, 5) % 200 / 100, 0)) AS precip,
    toFloat32(980 + cityHash64(number, 6) % 60) AS pressure,
    toFloat32(cityHash64(number, 7) % 360) AS wind_dir,
    toFloat32(cityHash64(number, 8) % 400 / 10) AS wind_speed
FROM numbers(500 * 24 * 730)
